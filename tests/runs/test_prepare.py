"""What a run begins with is tokenised once, counted where it is cut, and refused where it does not fit."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.data import Corpus, Example
from prefixrun.data.run_data import RunData
from prefixrun.errors import ConfigError
from prefixrun.models.loading import load
from prefixrun.runs import prepare as module
from prefixrun.runs.prepare import PreparedRun, Truncation, describe_truncation, prepare

Check = Callable[[Config, RunData], PreparedRun]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Prepare a run of other data than its task's."""

    def prepared(config: Config, data: RunData) -> PreparedRun:
        monkeypatch.setattr(module.RunData, "load", lambda _: data)
        return prepare(config)

    return prepared


def test_a_task_without_metrics_is_refused_before_anything_is_computed() -> None:
    config = compose(["task.name=mine", "model=tiny_llama"])
    with pytest.raises(ConfigError, match="task=mine: no metrics are defined"):
        prepare(config)


def corpora(source: str, target: str) -> RunData:
    """One pair for training, one short input for test."""
    train = Corpus("e2e", "train", (Example("train-0", source, (target,)),), ())
    test = Corpus("e2e", "test", (Example("test-0", "a", ("b",)),), ())
    return RunData(train, train, test, train.all_pairs(), (), test, test.examples)


@pytest.mark.parametrize("prefix_len", [10, 11])
def test_prefix_input_and_output_just_fit_the_context(prefix_len: int, check: Check) -> None:
    """The paper's layout adds two blanks and an END to each: 10 + 803 + 211 are the 1024 positions of the model."""
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", f"prefix_len={prefix_len}"])
    parts = corpora("s" * 800, "t" * 208)
    if prefix_len == 10:
        check(config, parts)
        return
    with pytest.raises(ConfigError, match=r"^prefix_len=11: .* 803 tokens and 211 tokens .* 1025 positions.* has 1024"):
        check(config, parts)


def test_the_length_of_outputs_counts_where_it_is_larger_than_the_targets(check: Check) -> None:
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=400", "prefix_len=10"])
    with pytest.raises(ConfigError, match="803 tokens and 400 tokens of output"):
        check(config, corpora("s" * 800, "t"))


@pytest.mark.parametrize("size", [3, 4])
def test_a_prompt_takes_positions_of_the_encoder_beside_the_input(size: int, check: Check) -> None:
    """A line break behind the instruction, BEGIN and END around all: 1024 positions hold 3 + 1 + 1018 + 2 tokens."""
    config = compose(["model=tiny_bart", "method=prompt", f"method.instruction={'i' * size}"])
    parts = corpora("s" * 1018, "t")
    if size == 3:
        check(config, parts)
        return
    with pytest.raises(ConfigError, match=r"^a prompt of 5 tokens: .* tiny_bart reads 1025, and has 1024 positions"):
        check(config, parts)


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_what_is_cut_counts_as_it_is_read(part: str, check: Check) -> None:
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", "prefix_len=10", "task.max_source_tokens=100"])
    unlimited = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", "prefix_len=10"])
    short, long = (Corpus("e2e", part, (Example("a-0", "s" * size, ("t",)),), ()) for size in (1, 2000))
    train, dev, test = (long if part == split else short for split in ("train", "dev", "test"))
    parts = RunData(train, dev, test, train.all_pairs(), dev.all_pairs(), test, test.examples)
    check(config, parts)
    with pytest.raises(ConfigError, match="longest input of 2003 tokens"):
        check(unlimited, parts)


def test_words_that_do_not_fit_are_refused_before_the_run_starts(check: Check) -> None:
    config = compose(["model=tiny_gpt2", "init_words=summarize", "prefix_len=3"])
    with pytest.raises(ConfigError, match="init_words='summarize': 10 tokens"):
        check(config, corpora("s", "t"))


def corpus(split: str, *lengths: int, references: int = 1) -> Corpus:
    examples = (Example(f"{split}-{index}", "s" * length, ("t",) * references) for index, length in enumerate(lengths))
    return Corpus("xsum", split, tuple(examples), ())


@pytest.mark.parametrize(("limit", "cut"), [(5, (2, 1, 2)), (50, (0, 0, 0))])
def test_every_input_that_is_cut_counts_once_in_its_part(limit: int, cut: tuple[int, int, int], check: Check) -> None:
    train, dev, test = corpus("train", 3, 9, 9, references=2), corpus("dev", 9, 2), corpus("test", 9, 4, 5, 6)
    data = RunData(train, dev, test, train.all_pairs(), dev.all_pairs(), test, test.examples[:3])
    config = compose(["model=tiny_gpt2", "task=xsum", "model.layout=lines", f"task.max_source_tokens={limit}"])
    prepared = check(config, data)
    counts = dict(zip(("train", "dev", "scored"), map(Truncation, cut, (3, 2, 3)), strict=True))
    assert prepared.truncation == counts
    train_cut, dev_cut, scored_cut = cut
    assert describe_truncation(prepared) == (
        f"inputs cut to {limit} tokens (task.max_source_tokens): "
        f"train {train_cut} of 3, dev {dev_cut} of 2, scored {scored_cut} of 3"
    )


def test_an_input_that_an_encoder_has_no_positions_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["model=tiny_bart", "task=xsum", "train_size=2", "test_size=1", "train.warmup_steps=0"]
    config = compose([*settings, "task.max_source_tokens=null", "decode.max_new_tokens=62"])
    small = load(config.model)
    small.model.config.max_position_embeddings = 200
    monkeypatch.setattr(
        module,
        "load_backbone",
        lambda of: replace(small, tokenizer=replace(small.tokenizer, max_source_tokens=of.task.max_source_tokens)),
    )
    with pytest.raises(ConfigError, match=r"encoder of tiny_bart has 200 positions; give task.max_source_tokens=198"):
        prepare(config)
    prepare(compose([*settings, "task.max_source_tokens=198", "decode.max_new_tokens=62"]))
    long = compose([*settings, "task.max_source_tokens=198", "decode.max_new_tokens=201"])
    with pytest.raises(ConfigError, match=r"decode.max_new_tokens=201: .* decoder of tiny_bart has 200 positions"):
        prepare(long)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=tiny_bart", "init=vocab", "method=prefix"],
        ["model=tiny_gpt2", "init=vocab", "method=prefix_gated"],
        ["model=tiny_gpt2", "init=vocab", "method=prefix_plus"],
    ],
)
def test_a_start_that_reads_more_tokens_than_the_model_can_is_refused(overrides: list[str], check: Check) -> None:
    config = compose([*overrides, "prefix_len=2000"])
    with pytest.raises(ConfigError, match=r"^prefix_len=2000: init=vocab reads as many tokens with tiny_.*, which has"):
        check(config, corpora("a", "b"))


def test_more_beams_than_a_step_has_tokens_for_are_refused(check: Check) -> None:
    config = compose(["model=tiny_gpt2", "decode.beams=300"])
    with pytest.raises(ConfigError, match=r"^decode.beams=300: the model has .* tokens, and each step"):
        check(config, corpora("a", "b"))

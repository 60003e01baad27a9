"""The stages of a run, where they can be looked at without training."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from prefixrun import files
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.data import Corpus, Example
from prefixrun.data.run_data import RunData
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.methods import Method
from prefixrun.models.backbone import Backbone
from prefixrun.runs import stages
from prefixrun.runs.run import Run

METHOD = Method()
EXAMPLES = tuple(
    Example(f"test-{number}", source, (f"text {number}",)) for number, source in enumerate(("b b", "a", "b b", "c c c"))
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Every prompt that is decoded; the output is the number of prompts before it."""
    prompts: list[list[int]] = []

    def generate(
        backbone: Backbone, method: Method, batch: Sequence[list[int]], decode: DecodeConfig
    ) -> list[list[int]]:
        prompts.extend(batch)
        return [backbone.tokenizer.text(f"out{len(prompt)}") for prompt in batch]

    monkeypatch.setattr(stages, "generate", generate)
    return prompts


def outputs(directory: Path) -> list[str]:
    config = compose(["task=dart", "model=tiny_llama", "decode.batch_size=2", "threads=1"])
    this = Run(directory, task="dart", method="prefix", model="tiny", identity={"settings": {}})
    with this.hold():
        if not this.costs.exists():
            files.write_json(this.costs, {"decode_seconds": 0.0})
        return stages._generate(this, config, EXAMPLES, stages.load_backbone(config), METHOD)


def test_examples_with_the_same_input_share_one_output(tmp_path: Path, asked: list[list[int]]) -> None:
    texts = outputs(tmp_path)
    assert len(asked) == 3
    assert texts[0] == texts[2]
    assert len(set(texts)) == 3
    assert texts[0].startswith("out")


def test_examples_that_are_written_are_not_decoded_again(tmp_path: Path, asked: list[list[int]]) -> None:
    first = outputs(tmp_path)
    assert outputs(tmp_path) == first
    assert len(asked) == 3


def test_a_task_without_metrics_is_refused_before_anything_is_computed() -> None:
    config = compose(["task.name=mine", "model=tiny_llama"])
    with pytest.raises(ConfigError, match="task=mine: no metrics are defined"):
        stages.check_fit(config, None, None)  # type: ignore[arg-type]


def corpora(source: str, target: str) -> RunData:
    """One pair for training, one short input for test."""
    train = Corpus("e2e", "train", (Example("train-0", source, (target,)),), ())
    test = Corpus("e2e", "test", (Example("test-0", "a", ("b",)),), ())
    return RunData(train, train, test, train.all_pairs(), (), test, test.examples)


@pytest.mark.parametrize("prefix_len", [10, 11])
def test_prefix_input_and_output_just_fit_the_context(prefix_len: int) -> None:
    """The paper's layout adds two blanks and an END to each: 10 + 803 + 211 are the 1024 positions of the model."""
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", f"prefix_len={prefix_len}"])
    backbone = stages.load_backbone(config)
    parts = corpora("s" * 800, "t" * 208)
    if prefix_len == 10:
        stages.check_fit(config, backbone, parts)
        return
    with pytest.raises(ConfigError, match=r"^prefix_len=11: .* 803 tokens and 211 tokens .* 1025 positions.* has 1024"):
        stages.check_fit(config, backbone, parts)


def test_the_length_of_outputs_counts_where_it_is_larger_than_the_targets() -> None:
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=400", "prefix_len=10"])
    with pytest.raises(ConfigError, match="803 tokens and 400 tokens of output"):
        stages.check_fit(config, stages.load_backbone(config), corpora("s" * 800, "t"))


@pytest.mark.parametrize("size", [3, 4])
def test_a_prompt_takes_positions_of_the_encoder_beside_the_input(size: int) -> None:
    """A line break behind the instruction, BEGIN and END around all: 1024 positions hold 3 + 1 + 1018 + 2 tokens."""
    config = compose(["model=tiny_bart", "method=prompt", f"method.instruction={'i' * size}"])
    backbone, parts = stages.load_backbone(config), corpora("s" * 1018, "t")
    if size == 3:
        stages.check_fit(config, backbone, parts)
        return
    with pytest.raises(ConfigError, match=r"^tokens of the prompt=5: .* tiny_bart reads 1025, and has 1024 positions"):
        stages.check_fit(config, backbone, parts)


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_what_is_cut_counts_as_it_is_read(part: str) -> None:
    config = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", "prefix_len=10", "task.max_source_tokens=100"])
    unlimited = compose(["model=tiny_gpt2", "decode.max_new_tokens=20", "prefix_len=10"])
    short, long = (Corpus("e2e", part, (Example("a-0", "s" * size, ("t",)),), ()) for size in (1, 2000))
    train, dev, test = (long if part == split else short for split in ("train", "dev", "test"))
    parts = RunData(train, dev, test, train.all_pairs(), dev.all_pairs(), test, test.examples)
    stages.check_fit(config, stages.load_backbone(config), parts)
    with pytest.raises(ConfigError, match="longest input of 2003 tokens"):
        stages.check_fit(unlimited, stages.load_backbone(unlimited), parts)


def test_words_that_do_not_fit_are_refused_before_the_run_starts() -> None:
    config = compose(["model=tiny_gpt2", "init_words=summarize", "prefix_len=3"])
    with pytest.raises(ConfigError, match="init_words='summarize': 10 tokens"):
        stages.check_fit(config, stages.load_backbone(config), corpora("s", "t"))


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert stages.device(compose(["device=auto"])) == "cpu"
    with pytest.raises(ConfigError, match="device=cuda: PyTorch finds no GPU here"):
        stages.device(compose(["device=cuda"]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [stages.device(compose([f"device={name}"])) for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


@pytest.mark.parametrize("content", [b"", b"not safetensors"])
def test_a_damaged_prefix_is_an_error(tmp_path: Path, content: bytes) -> None:
    this = Run(tmp_path, task="dart", method="prefix", model="tiny", identity={})
    with this.hold():
        this.trained_file.write_bytes(content)
    with pytest.raises(DamagedStateError, match=r"prefix\.safetensors: damaged .* to train again"):
        stages.load_trained(this.trained_file, stages.load_backbone(compose(["model=tiny_llama"])))

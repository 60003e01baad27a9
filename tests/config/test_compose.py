"""Composition: what a profile sets, what wins over it, sweeps, and choices of the user's own."""

from pathlib import Path

import hydra
import pytest

from prefixrun.config.compose import hydra_files
from prefixrun.errors import ConfigError
from prefixrun.runs.configure import compose, configurations, from_hydra, sweep_points

PAPER = ["profile=paper", "data_dir=/corpora"]


def test_the_default_is_the_quick_profile() -> None:
    config = compose()
    assert (config.profile, config.task.name, config.model.name) == ("quick", "e2e", "smollm2_135m")
    assert (config.data_dir, config.seed, config.init.name) == (None, 101, "words")


def test_the_paper_profile_has_the_values_of_table_6() -> None:
    config = compose(PAPER)
    assert (config.model.name, config.method.name, config.method.mid_dim) == ("gpt2_medium", "prefix", 512)
    assert (config.train.lr, config.train.epochs, config.train.batch_size, config.prefix_len) == (8e-5, 5, 10, 5)
    assert (config.train.loss_mode, config.train.warmup_steps, config.init.name) == ("sentence_sum", 0, "random")
    assert (config.decode.beams, config.decode.length_norm, config.decode.max_new_tokens) == (5, "total", 100)


def test_the_command_line_wins_over_the_profile() -> None:
    config = compose(
        [
            *("model=gpt2", "prefix_len=7", "train.lr=1e-3", "decode=greedy", "init=words", "method=prefix_flat"),
            *("train.adam_beta2=0.98", "decode.max_new_tokens=9"),
            *PAPER,
        ]
    )
    assert (config.model.hub, config.prefix_len, config.train.lr) == ("openai-community/gpt2", 7, 1e-3)
    assert (config.decode.beams, config.decode.max_new_tokens, config.init.name) == (1, 9, "words")
    assert (config.method.name, config.train.adam_beta2) == ("prefix_flat", 0.98)
    assert config.train.epochs == 5


def test_the_order_of_words_does_not_matter() -> None:
    words = ["model=gpt2", "train.lr=1e-3", *PAPER]
    assert compose(words) == compose(words[::-1])


def test_a_sweep_is_every_combination() -> None:
    configs = configurations(["prefix_len=1,5", "seed=range(1, 4)", "model=gpt2"], multirun=True)
    assert [(config.prefix_len, config.seed) for config in configs] == [(p, s) for p in (1, 5) for s in (1, 2, 3)]
    assert {config.model.name for config in configs} == {"gpt2"}


def test_choices_can_be_swept() -> None:
    configs = configurations(["model=glob(tiny*)"], multirun=True)
    assert [config.model.architecture for config in configs] == ["tiny_bart", "tiny_gpt2", "tiny_llama", "tiny_t5"]


def test_a_combination_that_cannot_be_run_is_a_point_with_the_reason() -> None:
    good, bad = sweep_points(["prefix_len=5,0", "model=gpt2"])
    assert good.config is not None
    assert (good.overrides, good.config.prefix_len) == (("prefix_len=5", "model=gpt2"), 5)
    assert (bad.config, bad.overrides) == (None, ("prefix_len=0", "model=gpt2"))
    assert bad.problems == ("prefix_len=0: must be a whole number at least 1",)
    with pytest.raises(ConfigError, match="prefix_len=0: must be a whole number at least 1"):
        configurations(["prefix_len=5,0", "seed=1,2"], multirun=True)


def test_a_point_given_twice_is_one() -> None:
    assert len(sweep_points(["seed=1,2,1"])) == 2


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("profile=paper", "data_dir=/x", "task=e2e"),
        ("profile=laptop", "data_dir='/a b'", "method=prefix_flat", "decode.beams=3", "init_words='a, b: it\\'s'"),
        ("train={lr: 2e-3, epochs: 2}", "seed=3", "train_size=null", "train.lr=1", "data.verify=off"),
        ("init=random", "model=gpt2", "model.revision=abc", "prefix_len=2", "prefix_len=3"),
        ("profile=paper", "data_dir=/x", "variant=code", "task=xsum", "decode.length_penalty=0.8"),
        ("model=tiny_gpt2", "method=finetune_top", "budget=30%"),
        ("train.max_steps=4",),  # shorter than the recipe's warm-up
    ],
)
def test_points_are_what_hydra_composes(words: tuple[str, ...]) -> None:
    """Single values are set here and not by Hydra, for speed."""
    with hydra_files(None):
        expected = from_hydra(hydra.compose("config", overrides=list(words)))
    assert compose(words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("method=adapter_small", "method.bottleneck=null"),
        ("train={max_steps: 6, warmup_steps: 5}",),
    ],
)
def test_a_launcher_takes_the_same_keys_as_the_users(words: tuple[str, ...]) -> None:
    with hydra_files(None):
        expected = from_hydra(hydra.compose("config", overrides=list(words)), words)
    assert compose(words) == expected


def test_a_warm_up_in_a_section_is_the_users_own() -> None:
    with pytest.raises(ConfigError, match=r"train\.warmup_steps=30: must be less than train\.max_steps=6"):
        compose(["train={max_steps: 6, warmup_steps: 30}"])


def test_choices_of_the_users_own_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "decode").mkdir()
    (tmp_path / "decode" / "wide.yaml").write_text(
        "name: wide\nbeams: 20\nlength_norm: total\nban_newlines: true\nbatch_size: 1\n"
    )
    assert compose(["decode=wide"], config_dir=tmp_path).decode.beams == 20
    assert compose(["decode=greedy"], config_dir=tmp_path).decode.beams == 1
    with pytest.raises(ConfigError, match=r"there are beam5_modern, .*, greedy, sample, wide"):
        compose(["decode=broad"], config_dir=tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name: wide\nbeems: 20\n", "decode.beems: there is no key decode.beems; did you mean decode.beams?"),
        ("name: wide\n_target_: os.system\n", "decode._target_: a configuration cannot name code to run"),
        ("name: ${oc.env:HOME}\n", "decode.name=${oc.env:HOME}: interpolations are not allowed in values"),
        ("name: [wide\n", "wide.yaml"),
    ],
)
def test_files_of_the_users_own_are_checked_too(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "decode").mkdir()
    (tmp_path / "decode" / "wide.yaml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        compose(["decode=wide"], config_dir=tmp_path)
    assert expected in str(caught.value)


def test_a_missing_directory_of_choices_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such directory"):
        compose(config_dir=tmp_path / "nowhere")

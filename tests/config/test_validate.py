"""Wrong values: each refused with the key, the value and what was expected; several together in one message."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.config.validate import build, build_section, closest, defaults, known_keys, read
from prefixrun.errors import ConfigError


@pytest.fixture(scope="module")
def good() -> Config:
    return compose(["train.max_steps=7", "train.warmup_steps=0", "seed=5"])


def changed(config: Config, key: str, value: Any) -> dict[str, Any]:
    tree = asdict(config)
    section, _, name = key.rpartition(".")
    (tree[section] if section else tree)[name] = value
    return tree


def test_a_configuration_survives_the_way_to_a_mapping_and_back(good: Config) -> None:
    assert build(asdict(good)) == good


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("prefix_len", 0, "prefix_len=0: must be a whole number at least 1"),
        ("prefix_len", 2.0, "prefix_len=2.0: must be a whole number at least 1"),
        ("prefix_len", True, "prefix_len=true: must be a whole number at least 1"),
        ("prefix_len", None, "prefix_len=null: must be a whole number at least 1"),
        ("data_fraction", 0, "data_fraction=0: must be a number above 0 and at most 1"),
        ("data_fraction", float("nan"), "data_fraction=nan: must be a number above 0 and at most 1"),
        ("train.lr", float("inf"), "train.lr=inf: must be a number above 0"),
        ("train.lr", "fast", "train.lr=fast: must be a number above 0"),
        ("train.lr", "???", "train.lr: is not set; give a number above 0"),
        ("decode.ban_newlines", 1, "decode.ban_newlines=1: must be true or false"),
        ("train.max_steps", 0, "train.max_steps=0: must be a whole number at least 1, or null"),
        ("device", "gpu", "device=gpu: must be a text of one of auto, cpu, cuda, mps and xpu, or cuda:NUMBER"),
        ("precision", ["fp32"], "precision=['fp32']: must be one of fp32, bf16, fp16"),
        ("data_dir", "  ", "data_dir=: must not be empty; give a text, or null"),
        ("results_dir", False, "results_dir=false: must be a text"),
        ("results_dir", "${oc.env:HOME}", "results_dir=${oc.env:HOME}: interpolations are not allowed in values"),
        ("model.name", "../x", "model.name=../x: must be a text of letters, digits, '.', '_' and '-'"),
        ("task.metrics", ["BLEU", 3], "task.metrics=['BLEU', 3]: must be a text, or a list of metrics, or null"),
        ("task.metrics", [], "task.metrics=[]: must not be empty; give a text, or a list of metrics, or null"),
        ("task.source_column", ["a"], "task.source_column=['a']: must be a text, or null"),
        ("task.dataset", "csv", "task.dataset=csv: must be a text of a name on the Hugging Face hub with its owner"),
        ("task.dataset", "../x", "task.dataset=../x: must be a text of a name on the Hugging Face hub with its owner"),
        ("task.train_split", "../x", "task.train_split=../x: must be a text of letters, digits"),
        ("seed", 2**32, "seed=4294967296: must be a whole number at least 0 and at most 4294967295"),
        ("train", 3, "train: is a section; set its keys, as in train.objective="),
        ("train.epoch", 3, "train.epoch: there is no key train.epoch; did you mean train.epochs?"),
        ("_target_", "os.system", "_target_: a configuration cannot name code to run"),
        ("model._target_", "os.system", "model._target_: a configuration cannot name code to run"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(good: Config, key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(changed(good, key, value))
    assert message in str(caught.value)


def test_whole_numbers_do_for_numbers_and_digits_for_texts(good: Config) -> None:
    config = build(changed(good, "train.lr", 1))
    assert (config.train.lr, type(config.train.lr)) == (1.0, float)
    assert build(changed(good, "results_dir", 2024)).results_dir == "2024"


def test_a_list_of_texts_is_one_text_with_commas(good: Config) -> None:
    assert build(changed(good, "task.metrics", ["BLEU", "chrF"])).task.metrics == "BLEU,chrF"
    assert build_section("task", {**asdict(good.task), "reference_columns": ["a"]}).reference_columns == "a"
    with pytest.raises(ConfigError, match=r"^task\.merge_rows=3: must be true or false"):
        build_section("task", {**asdict(good.task), "merge_rows": 3})


def test_all_problems_come_in_one_message(good: Config) -> None:
    tree = changed(good, "prefix_len", 0)
    tree["device"] = "gpu"
    tree["data_fraction"], tree["train_size"] = 0.5, 10
    tree["extra"] = 1
    with pytest.raises(ConfigError) as caught:
        build(tree)
    lines = str(caught.value).splitlines()
    assert lines[0] == "4 problems in the configuration:"
    assert [line.split()[1].rstrip(":") for line in lines[1:]] == [
        "extra",
        "prefix_len=0",
        "device=gpu",
        "train_size=10",
    ]


def test_defaults_have_every_key_and_say_which_are_unset() -> None:
    tree = defaults()
    assert tree["prefix_len"] == 10
    assert tree["train"]["adam_beta1"] == 0.9
    assert tree["train"]["lr"] == "???"
    assert "train.adam_beta1" in known_keys()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("prefx_len", "prefix_len"),
        ("lr", "train.lr"),
        ("trian.lr", "train.lr"),
        ("train.learning_rate", None),
        ("lenght_norm", "decode.length_norm"),
        ("xyzzy", None),
    ],
)
def test_the_closest_key(word: str, meant: str | None) -> None:
    assert closest(word, tuple(key for key in known_keys() if "." in key or key == "prefix_len")) == meant


@given(st.sampled_from(sorted(known_keys())), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_any_value_is_either_kept_or_refused_by_name(good: Config, key: str, value: Any) -> None:
    found: list[str] = []
    config = read(changed(good, key, value), found)
    assert (config is None) == bool(found)
    if config is not None:
        section, _, name = key.rpartition(".")
        kept = getattr(getattr(config, section) if section else config, name)
        assert kept == value or kept == str(value) or kept == {True: "on", False: "off"}.get(value)
    elif len(found) == 1:
        assert found[0].startswith((key, "data_dir", "init_words", "train", "model", "decode"))

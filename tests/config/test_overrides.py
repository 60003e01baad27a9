"""Single words of the command line: each that is wrong is refused with a sentence that says what to type instead."""

import pytest

from prefixrun.config.compose import configurations
from prefixrun.errors import ConfigError


def message(*overrides: str, multirun: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        configurations(overrides, multirun=multirun)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("prefx_len=5", "there is no key prefx_len; did you mean prefix_len?"),
        ("+prefx_len=5", "there is no key prefx_len; did you mean prefix_len?"),
        ("++prefx_len=5", "there is no key prefx_len; did you mean prefix_len?"),
        ("joint=4", "joint training was removed, because"),
        ("decod=greedy", "there is no key decod; did you mean decode?"),
        ("xyzzy=1", "there is no key xyzzy; `prefixrun --help` lists all keys"),
        ("+prefix_len=5", "prefix_len exists; write it without +"),
        ("++prefix_len=5", "prefix_len exists; write it without +"),
        ("~train.lr", "keys cannot be removed; give the value that is wanted"),
        ("prefix_len", "is not key=value"),
        ("init_words=it's", """the value cannot be read; put it in quotes: "init_words='it\\'s'\""""),
        ("seed=1,,2", "has nothing between two commas, or at an end; leave the comma out"),
        ("seed=1,2,", "has nothing between two commas, or at an end; leave the comma out"),
        ("data_dir=~/corpora", "~ is not replaced here; write the directory in full"),
        ("init_words=a,b", "is several values: add -m to run each, or quote a text with commas: \"init_words='TEXT'\""),
        (
            "model=gpt3",
            "gpt3 is no choice of model; there are bart_base, bart_large, flan_t5_base, gemma3_270m, gpt2, ",
        ),
        ("recipe/row=nothing", "nothing is no choice of recipe/row; there are "),
        ("task=null", "null is no choice of task; there are dart, e2e"),
        ("train=5", "train is a section; give one of its keys, as in train.KEY=VALUE"),
        ("train={lrr: 1}", "there is no key train.lrr; did you mean train.lr?"),
        ("train={_target_: os.system}", "a configuration cannot name code to run"),
        ("+model._target_=os.system", "a configuration cannot name code to run"),
        ("hydra.launcher._target_=os.system", "a configuration cannot name code to run"),
        ("hydra.run.dir=/x", "of Hydra's own settings only hydra/launcher and hydra.launcher.KEY can be changed"),
        ("model@task=gpt2", "write it without @task"),
        ("results_dir=${oc.env:HOME}", "interpolations are not allowed in values; write the value itself"),
        ("init_words=${prefix_len}", "interpolations are not allowed in values; write the value itself"),
        ("init_words='${prefix_len}'", "interpolations are not allowed in values; write the value itself"),
    ],
)
def test_a_wrong_word_is_refused(override: str, expected: str) -> None:
    assert message(override).startswith(f"{override}: {expected}")


def test_wrong_words_of_a_sweep_are_refused() -> None:
    assert message("method=prefx").endswith("prefix_plus, prompt; did you mean prefix?")
    assert "gpt3 is no choice of model" in message("model=gpt2,gpt3", multirun=True)
    assert "an interval is no list of values" in message("train.lr=interval(0, 1)", multirun=True)
    assert "there is no such value" in message("seed=glob(*)", multirun=True)
    assert "interpolations are not allowed" in message("init_words=a,${b}", multirun=True)


def test_wrong_words_and_wrong_values_come_together() -> None:
    lines = message("prefx_len=5", "seed=-1", "train.lr=0", "model=gpt3").splitlines()
    assert lines[0] == "4 problems in the configuration:"
    assert len(lines) == 5


def test_texts_can_be_typed() -> None:
    (config,) = configurations(["init_words='first, second: it\\'s'", "data_dir=/a b/c"])
    assert config.init_words == "first, second: it's"
    assert config.data_dir == "/a b/c"
    (config,) = configurations(["init_words=table-to-text:"])
    assert config.init_words == "table-to-text:"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("prefix_len=" + "9" * 5000, "is too large a number"),
        ("seed=[" + "[" * 40000, "brackets within each other"),
        ("seed=" + "{a: " * 3000 + "1" + "}" * 3000, "brackets within each other"),
        ("init_words='" + "x" * 100_000 + "'", "is an argument of 100,013 characters"),
        ("init_words=\udce9", "has bytes in it that are not UTF-8"),
        ("init_words='a\0b'", "has a zero byte in it"),
        ("seed=int(x)", "the value cannot be read"),
        ("model=" + "x" * 10_000, "is no choice of model"),
        ("y" * 10_000 + "=1", "there is no key"),
        ("decode.name='" + "x y" * 5_000 + "'", "must be a text of letters"),
        ("prefix_len=1_0", "write the number 1_0 without _"),
        ("train={batch_size: 1_0}", "write the number 1_0 without _"),
        ("prefix_len=100000000000000000000000000", "is too large; give a whole number at least 1 and at most"),
        ("train.lr=1e38", "is too large; give a number above 0 and at most 1e+30"),
        ("threads=99999999", "is too large; give a whole number at least 1, or null and at most 1024"),
        ("decode.length_penalty=1000", "must be a number at least -20 and at most 20"),
        ("decode.length_penalty=-1000", "must be a number at least -20 and at most 20"),
        ("budget=" + "9" * 400 + "%", "must be a text of a number and %"),
        ("train.clip_norm=1e400", "must be a number above 0"),
    ],
    ids=lambda text: text[:24].encode("ascii", "backslashreplace").decode(),
)
def test_a_value_of_any_size_ends_in_one_short_message(override: str, expected: str) -> None:
    text = message(override)
    assert expected in text
    assert len(text) < 900


@pytest.mark.parametrize(
    "value", ["range(0,10,0)", "range(0,nan)", "range(inf)", "range(0,1000000000)", "range(0,1,1e-12)"]
)
def test_ranges_without_an_end_are_refused(value: str) -> None:
    assert message(f"seed={value}", multirun=True).startswith(f"seed={value}: ")


def test_a_sweep_of_too_many_runs_is_refused_before_it_is_written_out() -> None:
    ranges = [f"{key}=range(1,1001)" for key in ("seed", "prefix_len", "train.max_steps")]
    assert message(*ranges, multirun=True).startswith("1,000,000,000 runs in one sweep: at most 100,000 are taken")

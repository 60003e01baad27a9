"""The grammar of what a search may choose."""

import pytest

from prefixrun.errors import ConfigError
from prefixrun.sweeps.space import Choice, Interval, separated


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("train.lr=tag(log, interval(1e-4, 1e-1))", "train.lr", Interval(1e-4, 1e-1, log=True)),
        ("train.lr=interval(0.1,0.2)", "train.lr", Interval(0.1, 0.2)),
        ("prefix_len=interval(1,40)", "prefix_len", Interval(1, 40, integer=True)),
        ("prefix_len=int(interval(1,40))", "prefix_len", Interval(1, 40, integer=True)),
        ("prefix_len=range(5,21,step=5)", "prefix_len", Interval(5, 20, integer=True, step=5)),
        ("prefix_len=range(9,1,step=-2)", "prefix_len", Interval(3, 9, integer=True, step=2)),
        ("prefix_len=shuffle(range(1,10))", "prefix_len", Interval(1, 9, integer=True, step=1)),
        ("train.warmup_steps=choice(0,10,20)", "train.warmup_steps", Choice(("0", "10", "20"))),
        ("method=prefix,prefix_flat", "method", Choice(("prefix", "prefix_flat"))),
    ],
)
def test_choices_are_read_as_hydras_sweeper_does(text: str, key: str, expected: Interval | Choice) -> None:
    fixed, space = separated(["task=e2e", text, "no grammar ("])
    assert fixed == ["task=e2e", "no grammar ("]
    assert space == {key: expected}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.lr=log(1e-4,1e-1)", r"train\.lr=log.*: cannot be read; write KEY=tag\(log,interval\(LOW,HIGH\)\)"),
        ("train.lr=interval(2,1)", "two numbers, the smaller first"),
        ("train.lr=tag(log,interval(0,1))", "two numbers above zero"),
        ("prefix_len=range(3,1)", "there is no such value"),
        ("seed=1,2", "seed: a search does not choose among seeds"),
    ],
)
def test_what_is_no_space_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        separated([text])


def test_values_are_typed_in_few_digits() -> None:
    assert Interval(0, 1).text(0.000123456) == "0.000123"
    assert Interval(1, 9, integer=True).text(3) == "3"
    assert Choice(("0", "1e-3")).text("1e-3") == "1e-3"


@pytest.mark.parametrize(
    ("space", "setting", "value"),
    [
        (Interval(1e-4, 1e-2), 1e-3, 1e-3),
        (Interval(1e-4, 1e-2), 1e-1, None),
        (Interval(1, 9), None, None),
        (Choice(("0.001", "1")), 1e-3, "0.001"),
        (Choice(("0", "5")), 10, None),
    ],
)
def test_a_setting_is_a_first_value_where_it_lies_inside(
    space: Interval | Choice, setting: object, value: object
) -> None:
    assert space.value(setting) == value


@pytest.mark.parametrize(("text", "is_near"), [("0.0001", True), ("0.00012", True), ("0.001", False), ("0.0095", True)])
def test_the_ends_of_a_logarithm(text: str, is_near: bool) -> None:
    assert Interval(1e-4, 1e-2, log=True).is_near_edge(text) is is_near

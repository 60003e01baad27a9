"""The arguments of verbs: everything that is wrong in one message, and the values that they mean."""

from pathlib import Path

import pytest

from prefixrun.cli.arguments import checked_directory, directory, parse, parse_some, path_of, results_dir, whole_number
from prefixrun.errors import ConfigError


def test_arguments_by_key_and_by_position() -> None:
    assert parse("diff", ["a", "b", "json=x=y"]) == {"A": "a", "B": "b", "json": "x=y"}


@pytest.mark.parametrize(
    ("verb", "arguments", "problems"),
    [
        ("export", ["run=a"], ["out: is missing; prefixrun export needs out=VALUE"]),
        (
            "export",
            ["run=a", "out=b", "formt=peft"],
            ["formt=peft: prefixrun export has no key formt; did you mean format?"],
        ),
        ("keep", ["run=a", "run=b"], ["run=b: run is given twice"]),
        ("keep", ["run="], ["run=: has no value"]),
        ("keep", ["x", "into="], ["x: is not key=value", "into=: has no value", "run: is missing"]),
    ],
)
def test_everything_that_is_wrong_is_named(verb: str, arguments: list[str], problems: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(verb, arguments)
    assert [problem for problem in problems if problem not in str(caught.value)] == []


def test_the_keys_of_a_verb_and_the_overrides_beside_them() -> None:
    assert parse_some(["profile=paper", "seed=1,2", "-x"], ("profile",)) == ({"profile": "paper"}, ["seed=1,2", "-x"])
    for arguments, problem in (
        (["a=1", "a=2"], "a=2: a is given twice"),
        (["a="], "a=: has no value; give a value, or leave a out"),
    ):
        with pytest.raises(ConfigError, match=problem):
            parse_some(arguments, ("a",))


def test_paths_have_their_home_directory_and_must_be_there_where_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of({"out": "~/a"}, "out") == tmp_path / "a"
    assert (path_of({}, "out"), results_dir({})) == (None, Path("results"))
    assert (directory({}, "data_dir"), directory({"data_dir": "~"}, "data_dir")) == (None, tmp_path)
    with pytest.raises(ConfigError, match="results_dir=gone: there is no such directory"):
        checked_directory("results_dir", Path("gone"))


@pytest.mark.parametrize("text", ["", "0", "11", "-1", "1.0", "²", "1_0", "9" * 5000])
def test_a_number_is_whole_and_within_its_bounds(text: str) -> None:
    assert whole_number("trials", "10", 1, 10) == 10
    with pytest.raises(ConfigError, match=r"^trials=.*: must be a whole number from 1 to 10, or all$"):
        whole_number("trials", text, 1, 10, ", or all")

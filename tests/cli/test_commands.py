"""The verbs and their arguments: which verb it is, everything that is wrong in one message, help of each."""

import inspect
from importlib import import_module

import pytest

from prefixrun.cli.commands import VERBS, named, parse, parse_some, run
from prefixrun.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "verb"),
    [
        (["score", "task=e2e"], "score"),
        (["data", "check"], "data check"),
        (["data"], None),
        (["task=e2e"], None),
        ([], None),
    ],
)
def test_the_verb_that_arguments_begin_with(arguments: list[str], verb: str | None) -> None:
    assert named(arguments) == verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_function_and_its_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    file, _, function = verb.partition(" ")
    module = import_module(f"prefixrun.cli.commands.{file}")
    assert callable(getattr(module, function or "run"))
    assert run(verb, ["--help"]) == 0
    assert capsys.readouterr().out.split() == inspect.cleandoc(module.__doc__ or "").split(), "wrapped to the terminal"
    if not VERBS[verb].takes_overrides:
        for key in (*VERBS[verb].required, *VERBS[verb].optional, *VERBS[verb].positional):
            explained = "decode.KEY" if key.startswith("decode.") else key
            assert explained in (module.__doc__ or ""), f"{key} is explained"


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
        ("diff", ["a"], ["B: is missing; prefixrun diff takes A B"]),
        ("diff", ["a", "b", "c"], ["c: is not key=value"]),
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

"""Every verb has its function and its help."""

import inspect
from importlib import import_module

import pytest

from prefixrun.cli.commands import run
from prefixrun.cli.verbs import VERBS


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

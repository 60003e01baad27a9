"""The help text covers every key, group and verb."""

import re

import pytest

from prefixrun.cli.help import manual
from prefixrun.cli.verbs import VERBS
from prefixrun.config.conf_tree import groups
from prefixrun.config.validate import known_keys
from prefixrun.errors import BROKEN_PIPE_EXIT_CODE, DEFECT_EXIT_CODE, PrefixrunError


def test_everything_that_can_be_set_is_in_the_help() -> None:
    text = manual()
    for key, hint in known_keys().items():
        if not hasattr(hint, "__dataclass_fields__"):
            assert f"\n  {key}  [" in text, key
    for group, choices in groups().items():
        assert f"\n  {group} " in text
        assert all(choice in text for choice in choices)
    assert all(f"\n  {verb} " in text for verb in VERBS)


def test_the_help_says_what_is_accepted_and_the_default() -> None:
    text = manual()
    assert "prefix_len  [a whole number at least 1; 10]\n      Length of the prefix in positions (" in text
    assert "train.lr  [a number above 0]\n" in text


def test_every_exit_code_is_explained() -> None:
    codes = manual().rpartition("Exit codes\n")[2]
    errors = (PrefixrunError, *PrefixrunError.__subclasses__())
    for code in {*(error.exit_code for error in errors), 143, DEFECT_EXIT_CODE, BROKEN_PIPE_EXIT_CODE}:
        assert re.search(rf"^  (130, )?{code}\b", codes, re.MULTILINE), code


@pytest.mark.parametrize("columns", ["60", "200"])
def test_the_help_fits_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    described = manual().split("Keys (")[1].split("Options")[0].splitlines()[1:]
    assert max(len(line) for line in described if line.startswith("      ")) <= min(int(columns), 120)

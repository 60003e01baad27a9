"""`prefixrun help WORD`: the entries about a word, the short help without one."""

import pytest

from prefixrun.cli.main import main


def test_a_word_is_looked_for_in_names_choices_and_descriptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "warm-up"]) == 0
    text = capsys.readouterr().out
    assert "  train.warmup_steps  [a whole number at least 0" in text
    assert "  train.lr  [" in text  # its description has the word
    assert "prefix_len" not in text
    assert main(["help", "BEAM5_PAPER"]) == 0
    assert "  decode " in capsys.readouterr().out


def test_a_word_that_nothing_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "xqy"]) == 2
    assert "xqy: nothing in the help has this word; `prefixrun --help`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_the_command_alone_prints_the_commonest_commands(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("  prefixrun ") for line in lines) == 5
    assert max(map(len, lines)) <= 60

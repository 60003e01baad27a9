"""prefixrun reproduce: its own keys are taken out of the overrides of the sweep."""

from pathlib import Path

import pytest

from prefixrun.cli.commands import reproduce
from prefixrun.cli.main import main
from prefixrun.cli.reproduction import Request


def test_its_keys_and_the_overrides_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []
    monkeypatch.setattr(reproduce, "reproduce", lambda request: requests.append(request) or 7)
    assert reproduce.run(["experiment=table2", "model=tiny_gpt2", "only_tables=false", "seed=1,2"]) == 7
    (request,) = requests
    assert not request.only_tables
    assert {"experiment=table2", "model=tiny_gpt2", "seed=1,2"} <= set(request.overrides)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["only_tables=true", "only_tables=false"], "only_tables=false: only_tables is given twice"),
        (["experiment="], "experiment=: has no value; give a value, or leave experiment out"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []

"""prefixrun reproduce: its own keys are taken out of the overrides of the sweep."""

import pytest

from prefixrun.cli.commands import reproduce
from prefixrun.cli.reproduction import Request


def test_its_keys_and_the_overrides_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []
    monkeypatch.setattr(reproduce, "reproduce", lambda request: requests.append(request) or 7)
    assert reproduce.run(["experiment=table2", "model=tiny_gpt2", "only_tables=false", "seed=1,2"]) == 7
    (request,) = requests
    assert not request.only_tables
    assert {"experiment=table2", "model=tiny_gpt2", "seed=1,2"} <= set(request.overrides)

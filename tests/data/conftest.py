"""A loopback server in place of the web."""

from collections.abc import Iterator

import pytest

from loopback import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()
    with serving(state):
        yield state

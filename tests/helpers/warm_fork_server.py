"""The fork server with every module of the program imported beforehand.

The program imports its libraries when they are first needed, which takes a child of the plain server longer than four
tiny runs. Here the server imports them, once, and its children inherit them.
"""

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

import fork_server


@contextmanager
def warm_fork_server(directory: Path) -> Iterator[fork_server.ForkServer]:
    """A server that runs this file in place of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fork_server, "__file__", __file__)
        server = fork_server.ForkServer(directory)
    with server:
        yield server


def _import_everything() -> None:
    import prefixrun

    for module in pkgutil.walk_packages(prefixrun.__path__, "prefixrun."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


if __name__ == "__main__":
    _import_everything()
    fork_server._serve()

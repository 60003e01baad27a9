"""The command in processes that start in milliseconds and can be killed at any moment.

Started as a program, it imports everything once and then forks a child for every order it reads: one JSON object a line
with `words` (the arguments of the command), and when to kill the child:

  at_write   kill it at this write (1 for the first), with what it has written so far on the disk: `torn` of ten tenths
  after      kill it this many seconds after it has begun to work on a run

It answers each order with the children's exit codes, negative for a signal. `together` starts several children at once.
A process of its own, because a program with threads cannot be forked safely.
"""

import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from checkout import environment

LONGEST = 120
"""Seconds after which a child that was to be killed while it works must have begun to."""


class ForkServer:
    """The server as a test uses it; a context manager."""

    def __init__(self, directory: Path) -> None:
        self._log = open(directory / "said.txt", "ab")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=directory,
            env=environment(PATH="/nonexistent"),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._log.close()

    def run(self, words: Sequence[str], **when: Any) -> int:
        """The exit code of one child."""
        (code,) = self._order({"words": words, **when})
        return code

    def together(self, words: Sequence[str], times: int) -> list[int]:
        """The exit codes of several children of the same command at once."""
        return self._order({"words": words, "together": times})

    def _order(self, order: Mapping[str, Any]) -> list[int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        codes: list[int] = json.loads(self._process.stdout.readline())
        return codes


def _import_everything() -> None:
    """The program imports its libraries when they are first needed, which takes longer than four tiny runs."""
    import prefixrun

    for module in pkgutil.walk_packages(prefixrun.__path__, "prefixrun."):
        if not module.name.endswith("__main__"):
            with suppress(ModuleNotFoundError):  # of an extra that is not installed
                import_module(module.name)


def _serve() -> None:
    import torch

    torch.set_num_threads(1)
    _import_everything()

    answers = os.dup(1)
    os.dup2(2, 1)  # what children print is for the log
    for line in sys.stdin:
        order = json.loads(line)
        children = [_start(order) for _ in range(order.get("together", 1))]
        if "after" in order:
            _kill_while_it_works(*children[0], order["after"])
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
        for _, begun in children:
            os.close(begun)
        os.write(answers, (json.dumps(codes) + "\n").encode())
    os._exit(0)  # at once: there is nothing to tidy up


def _start(order: Mapping[str, Any]) -> tuple[int, int]:
    """The id of a child, and a pipe that it writes to when it begins to work on a run."""
    begun, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, begun
    code = 99
    try:
        _report_work(tell)
        if "at_write" in order:
            _die_at_write(order["at_write"], order["torn"])
        from prefixrun.cli.main import main

        code = main(order["words"])
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - a child must not go on as a second server
        traceback.print_exc()
    os._exit(code)


def _kill_while_it_works(child: int, begun: int, after: float) -> None:
    select.select([begun], [], [], LONGEST)  # also ready when the child has ended
    time.sleep(after)
    os.kill(child, signal.SIGKILL)


def _report_work(tell: int) -> None:
    from prefixrun.runs import pipeline

    run_stages = pipeline.run_stages

    def first(*given: Any) -> None:
        os.write(tell, b".")
        run_stages(*given)

    pipeline.run_stages = first


def _die_at_write(number: int, torn: int) -> None:
    """At the `number`-th write, keep `torn` tenths of the file's new end, and die."""
    from prefixrun import files

    to_disk, left = files._to_disk, [number]

    def write(stream: Any) -> None:
        before = os.fstat(stream.fileno()).st_size
        left[0] -= 1
        if left[0] == 0:
            stream.flush()
            after = os.fstat(stream.fileno()).st_size
            os.ftruncate(stream.fileno(), before + (after - before) * torn // 10)
            os.kill(os.getpid(), signal.SIGKILL)
        to_disk(stream)

    files._to_disk = write


if __name__ == "__main__":
    _serve()

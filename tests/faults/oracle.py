"""What every command must do whatever lies in its way: a documented exit code, one message, and nothing elsewhere."""

import io
import signal
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import pytest

from prefixrun.cli.main import main
from prefixrun.files import read_json

DOCUMENTED = (0, 2, 3, 4, 5, 75)
"""Exit codes that a command may end with when nobody stops it."""

LONGEST_MESSAGE = 2000
HANGS = 60
"""Seconds after which a command that takes a fraction of one has hung."""

COSTS = ("train_tokens", "train_positions", "train_steps")
"""Costs that are not times or sizes of a process."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: Any
    """Its exit code, or the exception that it let through."""
    out: str
    err: str
    warned: tuple[str, ...]
    """Warnings of libraries, which would stand on the screen beside the message."""

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, whatever was asked for."""
        faults = []
        if self.code not in DOCUMENTED:
            faults.append(f"ended with {self.code!r}")
        if "Traceback" in self.out + self.err:
            faults.append("shows a traceback")
        if self.code and not (self.err or self.out).strip():
            faults.append("fails without a message")
        if len(self.err) > LONGEST_MESSAGE:
            faults.append(f"its message has {len(self.err):,} characters")
        if control := {sign for sign in self.out + self.err if not (sign.isprintable() or sign in "\n\t\u00a0\u202f")}:
            faults.append(f"prints {sorted(control)!r}")
        return [*faults, *(f"warns: {warning}" for warning in self.warned)]

    def __str__(self) -> str:
        return f"exit code {self.code!r}\n--- out\n{self.out[-1500:]}\n--- err\n{self.err[-1500:]}"


def give(words: Sequence[str]) -> Answer:
    """The answer of the command in this process, as a terminal of UTF-8 would show it."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors) for errors in ("strict", "backslashreplace"))
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(record=True) as caught, _no_hang():
        warnings.simplefilter("default")
        for silent in (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, ImportWarning):
            warnings.simplefilter("ignore", silent)  # as in a program that nobody debugs
        code = _exit_code(words)
    for stream in (out, err):
        stream.flush()
    shown = [stream.buffer.getvalue().decode("utf-8", "backslashreplace") for stream in (out, err)]  # type: ignore[attr-defined]
    return Answer(code, *shown, tuple(f"{each.category.__name__}: {each.message}" for each in caught))


def _exit_code(words: Sequence[str]) -> Any:
    try:
        return main(list(words))
    except SystemExit as end:
        return end.code
    except BaseException as error:  # noqa: BLE001 - whatever gets through is a fault of the command
        return error


class Hung(BaseException):
    """Not an Exception, so that nothing takes it for an error of a file."""


@contextmanager
def _no_hang() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(root: Path, *, without: Collection[Path] = ()) -> dict[str, Any]:
    """Every path below `root`, but not what lies in `without`, and what it is: bytes, a link's target, or neither."""
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        if any(map(path.is_relative_to, without)):
            continue
        found[path.relative_to(root).as_posix()] = _content(path)
    return found


def _content(path: Path) -> Any:
    if path.is_symlink():
        return str(path.readlink())
    try:
        return path.read_bytes() if path.is_file() else None
    except PermissionError:
        return path.stat().st_mtime_ns


def outcome(run: Path) -> dict[str, Any]:
    """Everything of a finished run that may not depend on what happened to it on the way."""
    result = read_json(run / "result.json")
    (trained,) = run.glob("*.safetensors")
    return {
        "result": {key: value for key, value in result.items() if key not in ("costs", "provenance")},
        "costs": {key: result["costs"][key] for key in COSTS},
        "outputs": sorted((run / "generations.jsonl").read_bytes().splitlines()),
        "counts": (run / "stats.parquet").read_bytes(),
        "trained": trained.read_bytes(),
    }


class Named(Protocol):
    """A case of a table."""

    @property
    def id(self) -> str: ...


def parameters(cases: Iterable[Named], *, one_in: int) -> list[Any]:
    """Cases as parameters of a test, no two of one name: about one in so many, always the same, belong to the tests
    that take seconds."""
    cases = list(cases)
    assert len({case.id for case in cases}) == len(cases), "a case has a name of its own"
    return [
        pytest.param(case, id=case.id, marks=[pytest.mark.slow] if zlib.crc32(case.id.encode()) % one_in else [])
        for case in cases
    ]

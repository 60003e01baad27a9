"""The errors a user can cause or meet, each with the exit code the command ends with.

A message says what is wrong, where (``file:line`` or key) and what to do about it. The command prints it as it is,
without a traceback. Everything else that is raised is a defect of the program: it ends with one line that names the
file with its traceback, and DEFECT_EXIT_CODE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

BROKEN_PIPE_EXIT_CODE = 128 + 13
"""When nobody reads the output any more: that of a program that SIGPIPE ends, which Windows does not have."""


DEFECT_EXIT_CODE = 70
"""When the program itself was wrong; EX_SOFTWARE of sysexits.h."""


class PrefixrunError(Exception):
    """Base of all errors that end the command with one message."""

    exit_code: int = 1


class ConfigError(PrefixrunError):
    """The configuration cannot be run: unknown key, value out of range, settings that contradict each other."""

    exit_code = 2


class DataError(PrefixrunError):
    """A data file is missing or malformed. The message starts with ``file:line:`` or ``file:``."""

    exit_code = 3


class MissingPartError(PrefixrunError):
    """An optional part (package extra, Java, model weights) that this run needs is not installed."""

    exit_code = 4


class DamagedStateError(PrefixrunError):
    """A file of an earlier run is damaged, so that the run cannot be resumed or shown."""

    exit_code = 5


class DivergedError(PrefixrunError):
    """A training went wrong because its steps are too large: its loss has risen far above its start, or is no number.

    `details`: plain values for the run's record of it; `state`: the tensors that are worth keeping. See
    training/divergence.py.
    """

    exit_code = 6

    def __init__(
        self, message: str, details: Mapping[str, object] | None = None, state: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.details, self.state = details or {}, state or {}


class RunHeldError(PrefixrunError):
    """Another process is working on the same run."""

    exit_code = 75


class DiskFullError(PrefixrunError):
    """Nothing more can be written, to the disk or to standard output; what is there is whole."""


class Interrupted(PrefixrunError):
    """The run was stopped by a signal and can be resumed. An instance stopped by SIGTERM carries 143."""

    exit_code = 130


SHOWN_CHARACTERS = 200
"""Of a value or a library's sentence in a message."""


def shortened(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    """A value for a message: one line of at most `limit` characters, with the number of those left out."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} characters more)"


@contextmanager
def reading(what: object, advice: str, kind: type[PrefixrunError] = DataError) -> Iterator[None]:
    """Turn whatever a library raises while something from outside is read into one error of `kind`.

    what: the file or key that is read; advice: what to do about it. This program's own errors pass unchanged. Only for
    blocks that read and check: a defect of the program within one would be shown as a fault of the file.
    """
    try:
        yield
    except PrefixrunError:
        raise
    except OSError as error:
        raise kind(f"{shortened(what)}: cannot be read ({error.strerror or shortened(error)}); {advice}") from error
    except MemoryError as error:
        raise kind(f"{shortened(what)}: needs more memory than there is; {advice}") from error
    except Exception as error:
        raise kind(f"{shortened(what)}: {type(error).__name__}: {shortened(error)}; {advice}") from error


@contextmanager
def writing_output() -> Iterator[None]:
    """Turn what the system says of standard output into one error. Raises DiskFullError, as for any other file.

    A reader that has gone (`| head`) stays a BrokenPipeError.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskFullError(
            f"standard output: cannot be written ({error.strerror or error}); give it a terminal, a pipe or a file"
        ) from error


def set_traceback_file(error: BaseException, path: object) -> None:
    """Note where the traceback of an unexpected exception has been written."""
    error.add_note(f"{_TRACEBACK_IN}{path}")


def traceback_file(error: BaseException) -> str | None:
    """The file that `set_traceback_file` has noted."""
    notes = getattr(error, "__notes__", [])
    return next((note.removeprefix(_TRACEBACK_IN) for note in notes if note.startswith(_TRACEBACK_IN)), None)


_TRACEBACK_IN = "traceback in "


def has_lone_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, such as a byte of an argument that is not UTF-8: no character."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)

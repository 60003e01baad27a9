"""How an exception that nobody expected is reported: in one line, and a file with the traceback."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from prefixrun.config.paths import make_cache_directory
from prefixrun.errors import PrefixrunError, shortened, traceback_file
from prefixrun.runs.version import __version__


def describe_defect(error: Exception) -> str:
    """One line for the screen; the traceback is in the log of the run that was at work, or is written to a file."""
    where = traceback_file(error) or _write(error)
    place = f"the traceback is in {where}" if where else "its traceback could not be written"
    return f"a defect of the program: {type(error).__name__}: {shortened(error)}; {place}"


def _write(error: Exception) -> Path | None:
    text = f"prefixrun {__version__}\n" + "".join(traceback.format_exception(error))
    for directory in (make_cache_directory, lambda: Path(tempfile.gettempdir())):
        try:
            name = tempfile.mkstemp(prefix="prefixrun-traceback-", suffix=".txt", dir=directory())[1]
            Path(name).write_text(text, encoding="utf-8", errors="backslashreplace")
        except (PrefixrunError, OSError):
            continue
        return Path(name)
    return None

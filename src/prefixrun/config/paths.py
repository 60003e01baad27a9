"""Directories that the user names: what is wrong with the text of a path, and where the cache is."""

import errno
import os
from pathlib import Path

from prefixrun.errors import ConfigError

LONGEST_NAME = 255
"""Bytes of one name in a path, on every file system in use."""
LONGEST = 4000
"""Bytes of a whole path; the system takes 4,096, and files of a run lie below it."""


def wrong_path(text: str) -> str | None:
    """Why a text can be no path here; None when it can."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return "has bytes in it that are not UTF-8; rename the directory, or give it another name by a link"
    if b"\0" in encoded:
        return "has a zero byte in it"
    if len(encoded) > LONGEST or any(len(name) > LONGEST_NAME for name in encoded.split(b"/")):
        return f"is no path: a name has at most {LONGEST_NAME} bytes, and a path {LONGEST}"
    if text.startswith("~") and os.path.expanduser(text) == text:
        return f"there is no home directory of {text.split('/')[0]}; write the directory in full"
    return None


_CACHE_ADVICE = "give a directory you may write in with the variable XDG_CACHE_HOME"


def cache_directory() -> Path:
    """Where de-quantised weights and prepared references are stored: XDG_CACHE_HOME or ~/.cache, then prefixrun/.

    Raises ConfigError where this user has no home directory.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(home):  # as it stays for a user without an entry; a relative one is to be ignored
        raise ConfigError(f"there is no home directory for the cache; {_CACHE_ADVICE}")
    return Path(home) / "prefixrun"


def make_cache_directory() -> Path:
    """The cache directory, created if need be. Raises ConfigError that names XDG_CACHE_HOME."""
    path = cache_directory()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "no permission to write in it")
    except OSError as error:
        raise ConfigError(f"cache: {path} cannot be written ({error.strerror}); {_CACHE_ADVICE}") from error
    return path

"""Prepared texts of references, cached between invocations in the user's cache directory.

Only the texts: half of E2E's preparation is its tokenisers, and their output is short to read. The n-gram counts that
metrics make of it are made anew in each process; whether reading those from a file would be faster was not measured.
"""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from prefixrun.config.paths import cache_directory
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError
from prefixrun.files import canonical_json, make_directory, read_json, write_json
from prefixrun.metrics.base import SEMANTICS

FEWEST_TEXTS = 1000
"""Fewer texts are prepared in less time than a file takes to be written safely."""


TOKENS = 2
"""Moves whenever a preparation gives other tokens for a text, so that no file of an earlier version is read."""


def stored(preparation: str, texts: Sequence[str], prepare: Callable[[str], str]) -> list[str]:
    """``prepare`` of every text, from the cache directory where it was made before; what is damaged is made again.

    The key is the SHA-256 of the texts, the name of the preparation and the versions of everything it is made of.
    """
    if len(texts) < FEWEST_TEXTS:
        return [prepare(text) for text in texts]
    try:
        path = _path(preparation, texts)
    except ConfigError:  # there is no cache
        return [prepare(text) for text in texts]
    prepared = _read(path, len(texts))
    if prepared is None:
        prepared = [prepare(text) for text in texts]
        with suppress(PrefixrunError):  # a full disk or a directory that may not be written to costs only time
            make_directory(path.parent)
            write_json(path, {"texts": prepared, "sha256": _digest(prepared)})
    return prepared


def _path(preparation: str, texts: Sequence[str]) -> Path:
    packages = [f"{package}-{version(package)}" for package in ("sacrebleu", "unidecode")]
    # what counts as a letter comes from Python's Unicode tables
    made_by = [SEMANTICS, TOKENS, preparation, *packages, unicodedata.unidata_version, *sys.version_info[:2]]
    return cache_directory() / "references" / f"{_digest([made_by, list(texts)])}.json"


def _read(path: Path, count: int) -> list[str] | None:
    """The texts of a whole, undamaged file."""
    try:
        value = read_json(path)
    except DamagedStateError:  # or missing
        return None
    texts = value.get("texts") if isinstance(value, dict) else None
    if not isinstance(texts, list) or len(texts) != count or value.get("sha256") != _digest(texts):
        return None
    return texts


def _digest(value: object) -> str:
    # half a surrogate pair has no UTF-8 form; it may stand in a text that a program hands over
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()

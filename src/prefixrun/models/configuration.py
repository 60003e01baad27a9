"""The config.json of a model: read, checked, and made into a model without weights."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import CONFIG_MAPPING, PreTrainedConfig, PreTrainedModel, __version__
from transformers.utils import logging as transformers_logging

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, reading, shortened
from prefixrun.models.architectures import from_configuration
from prefixrun.models.families import check_configuration, refusal, shape_of
from prefixrun.models.model_directory import read_object

LARGEST_COUNT = 1_000
"""Of layers and labels: more than any published model has. They take memory even where tensors take none."""


def configuration(config: ModelConfig, path: Path, label: str) -> PreTrainedConfig:
    """The transformers configuration in a config.json; no other file is read and no code of the model is run.

    Raises ConfigError, which begins with `label` or the key, when a model of it cannot be used.
    """
    content = read_object(path, label)
    family = content.get("model_type")
    if not isinstance(family, str) or family not in CONFIG_MAPPING:
        raise refusal(config, f"model_type {shortened(repr(family))} is not supported by transformers {__version__}")
    for key, value in content.items():
        if ("layer" in key or key == "num_labels") and isinstance(value, int) and value > LARGEST_COUNT:
            raise ConfigError(
                f"{label}: {key} is {shortened(value)} in {path.name}; it must be {LARGEST_COUNT:,} or less"
            )
    with quiet(), reading(f"{label}: {path.name}", "give the file that belongs to the weights", ConfigError):
        model_config: PreTrainedConfig = CONFIG_MAPPING[family].from_dict(content)
        check_configuration(config, model_config)
        shape = shape_of(model_config)
        sizes = {
            "layers": shape.layers,
            "key/value heads": shape.kv_heads,
            "numbers a head": shape.head_dim,
            "width": shape.width,
            "vocabulary": shape.vocabulary,
            "positions": 1 if shape.context is None else shape.context,
        }
        if wrong := [name for name, size in sizes.items() if not isinstance(size, int) or size < 1]:
            raise ConfigError(
                f"{label}: {path.name} says {shortened(sizes[wrong[0]])} for its {wrong[0]}; it must be a whole "
                "number, 1 or more"
            )
        if model_config.num_attention_heads % shape.kv_heads:
            raise ConfigError(
                f"{label}: {path.name} has {model_config.num_attention_heads} heads, which {shape.kv_heads} key/value "
                "heads do not divide"
            )
    return model_config


def without_weights(model_config: PreTrainedConfig, label: str) -> PreTrainedModel:
    """The model of a configuration on the meta device, where it takes no memory. Raises ConfigError, see `label`."""
    about = f"{label}: config.json"
    with quiet(), reading(about, "no model can be built with it", ConfigError), torch.device("meta"):
        return from_configuration(model_config)


@contextmanager
def quiet() -> Iterator[None]:
    """What transformers would print about a model is checked here, and names in its files are not for the terminal."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)

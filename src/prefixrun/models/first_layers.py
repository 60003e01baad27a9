"""The first layers of a model as a model (model.layers): a probe of depth, no model that was trained at that size."""

from __future__ import annotations

from transformers import PreTrainedModel

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.blocks import block_list, stacks


def keep_first(config: ModelConfig, model: PreTrainedModel) -> None:
    """Drop all blocks but the first `config.layers`; embeddings, final norm and output layer stay.

    Raises ConfigError for an encoder-decoder, and for as many layers as the model has or more.
    """
    wanted = config.layers
    if wanted is None:
        return
    if model.config.is_encoder_decoder:
        raise ConfigError(f"model.layers={wanted}: is for decoder-only models, and model={config.name} is none")
    listed = block_list(stacks(model)[0])
    if wanted >= len(listed):
        raise ConfigError(
            f"model.layers={wanted}: model={config.name} has {len(listed)} layers; give fewer, or leave it out"
        )
    del listed[wanted:]
    model.config.num_hidden_layers = wanted
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = model.config.layer_types[:wanted]

"""Fine-tuning the top layers (the paper's FT-TOP2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor
from transformers import PreTrainedModel

from prefixrun.errors import ConfigError
from prefixrun.methods.finetune import FineTuned, copies, in_use
from prefixrun.models.blocks import blocks, final_norm, stacks

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone


def build(config: Config, backbone: Backbone) -> FineTuned:
    """Copies of the top weights of the backbone, to be trained. Raises ConfigError as `refuse`."""
    return copies(backbone.model, names(config, backbone.model))


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FineTuned:
    """The trained weights in use. Raises DamagedStateError when they are another model's."""
    return in_use(backbone.model, names(config, backbone.model), tensors)


def refuse(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for more layers than the model has."""
    names(config, backbone.model)


def largest_size(backbone: Backbone) -> int:
    """The layers that there are to train."""
    return len(blocks(stacks(backbone.model)[-1]))


def names(config: Config, model: PreTrainedModel) -> list[str]:
    """Names of the parameters that are trained. Raises ConfigError as `top_names`."""
    assert isinstance(config.method.layers, int), "the rules ask for a number, and a budget is solved before"
    return top_names(model, config.method.layers, config.method.train_embedding)


def top_names(model: PreTrainedModel, layers: int, embedding: bool) -> list[str]:
    """The top `layers` blocks and the final layer norm; with `embedding` also the input embedding.

    That is "ln_f + blocks 22, 23" with or without wte of gpt2/run_language_modeling.py (top_layers 22 and 2), counted
    from the top of any model. The paper does not say which of the two FT-TOP2 is. In an encoder-decoder the blocks are
    the decoder's, which are nearest to the output; BART has no final layer norm outside its blocks.

    Raises:
        ConfigError: more layers than the model has.
    """
    stack = stacks(model)[-1]
    in_order = blocks(stack)
    if layers > len(in_order):
        raise ConfigError(
            f"method.layers={layers}: this model has {len(in_order)} of them; give at most {len(in_order)}"
        )
    norm = final_norm(stack)
    parts = [*in_order[len(in_order) - layers :], *([norm] if norm is not None else [])]
    chosen = {id(parameter) for part in parts for parameter in part.parameters()}
    if embedding:
        chosen.add(id(model.get_input_embeddings().weight))
    return [name for name, parameter in model.named_parameters() if id(parameter) in chosen]

"""The stacks of a model, their blocks and sub-layers, and the modules that hold a parameter.

Only names of modules are read here, those of the supported families in transformers.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from transformers import PreTrainedModel

FINAL_NORMS = ("ln_f", "norm", "final_layer_norm")
"""The layer norm behind the last block: GPT-2, Llama and T5 have one, BART ends each block with one instead."""

SUB_LAYERS = (
    *("attn", "mlp"),  # GPT-2
    *("self_attn", "mlp"),  # Llama
    *("self_attn", "encoder_attn", "fc2"),  # BART
    *("SelfAttention", "EncDecAttention", "DenseReluDense"),  # T5
)
"""Attention, cross attention and feed-forward layer of a block."""

Holder = tuple[nn.Module, str]
"""A module and the name under which it holds a parameter."""


def stacks(model: PreTrainedModel) -> list[nn.Module]:
    """Encoder and decoder, or the one stack of a decoder-only model. The last one writes the output."""
    if model.config.is_encoder_decoder:
        return [model.get_encoder(), model.get_decoder()]
    body = model.base_model
    assert isinstance(body, nn.Module)
    return [body]


def blocks(stack: nn.Module) -> list[nn.Module]:
    """The blocks of a stack from bottom to top: the only list of modules it has itself."""
    (module_list,) = (child for child in stack.children() if isinstance(child, nn.ModuleList))
    return list(module_list)


def sub_layers(block: nn.Module) -> list[nn.Module]:
    """What a block adds to its residual stream, in the order in which it does: attention, in a decoder with an encoder
    cross attention, and the feed-forward layer, in BART the last of its two projections."""
    return [module for name, module in block.named_modules() if name.rpartition(".")[2] in SUB_LAYERS]


def final_norm(stack: nn.Module) -> nn.Module | None:
    """The layer norm behind the last block, where there is one."""
    return next((child for name, child in stack.named_children() if name in FINAL_NORMS), None)


def holders(model: nn.Module, names: Iterable[str]) -> list[list[Holder]]:
    """For each of the named parameters the modules that hold it; a tied one has several."""
    by_parameter: dict[int, list[Holder]] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                by_parameter.setdefault(id(parameter), []).append((module, name))
    split = [name.rpartition(".") for name in names]
    # Not get_parameter: a method may have replaced the attribute by a tensor that depends on its parameter.
    return [by_parameter[id(model.get_submodule(parent)._parameters[own_name])] for parent, _, own_name in split]

"""The stacks of a model, their blocks and sub-layers, and the modules that hold a parameter.

They are recognised by where they stand, not by their names, which differ from family to family.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prefixrun.models.attention import attention_sites, is_attention

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
    """The blocks of a stack from bottom to top: the list of modules that the attention of its layers is in."""
    return list(_with_blocks(stack)[1])


def block_list(stack: nn.Module) -> nn.ModuleList:
    """The list itself, from which blocks can be removed."""
    return _with_blocks(stack)[1]


def _with_blocks(stack: nn.Module) -> tuple[nn.Module, nn.ModuleList]:
    """The module that has the blocks as a child, and them. That is the stack itself, or its decoder (OPT)."""
    for module in stack.modules():
        for child in module.children():
            if isinstance(child, nn.ModuleList) and attention_sites(child):
                return module, child
    raise AssertionError("a model without attention is refused when it is loaded")


def sub_layers(block: nn.Module) -> list[nn.Module]:
    """What a block adds to its residual stream: attention, in a decoder with an encoder cross attention, and the
    feed-forward layer. That is the module of the last projection, or this itself where the block is its module (BART).
    """
    attention = [module for module in block.modules() if is_attention(module) and hasattr(module, "layer_idx")]
    inside = {id(part) for module in attention for part in module.modules()}
    linear = [
        (name, module)
        for name, module in block.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and id(module) not in inside
    ]
    if not linear:  # experts are no projections of their own: the layer is the last child that is not the norm
        others = [child for child in block.children() if id(child) not in inside and not _is_norm(child)]
        return [*attention, others[-1]]
    name, last = linear[-1]
    parent = block.get_submodule(name.rpartition(".")[0])
    return [*attention, last if parent is block else parent]


def final_norm(stack: nn.Module) -> nn.Module | None:
    """The layer norm behind the last block, where there is one: GPT-2, Llama and T5 have it, BART ends each block with
    one instead, and its own is that of the embeddings."""
    body, _ = _with_blocks(stack)
    return next(
        (child for name, child in body.named_children() if _is_norm(child) and "embedding" not in name),
        None,
    )


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower()


def constants(model: nn.Module) -> set[str]:
    """Names of parameters that are computed, not trained: position embeddings of sines and cosines."""
    return {
        f"{name}.{parameter}"
        for name, module in model.named_modules()
        if "Sinusoidal" in type(module).__name__
        for parameter, _ in module.named_parameters()
    }


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

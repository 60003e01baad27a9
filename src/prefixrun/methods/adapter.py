"""Adapters: small bottleneck layers between those of the frozen model (the paper's ADAPTER baselines).

One adapter is x + Up(ReLU(Down(LayerNorm(x)))) with a norm of its own, after Lin et al. 2020 and the paper's code
(class GPT2LMHeadModelAdapter): 2db + b + d + 2d numbers for a model of width d and a bottleneck of b.

It stands behind each complete block, encoder and decoder alike (method.adapter_form=block, design 1 of the paper's
code), or, as in Houlsby et al. 2019, behind each sub-layer, on its output before the residual sum (houlsby): attention
and feed-forward layer, and in a decoder that has one the cross attention too, so two or three a block. Both forms have
the same bottleneck, so that they differ in place alone; Houlsby's has no norm of its own. The model's own dropout on
that output comes before the adapter in GPT-2, as in Houlsby's code, and behind it in BART and T5, where it is not part
of the sub-layer; it is off unless train.lm_dropout asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.methods.base import Method
from prefixrun.methods.tensor_check import check_fit
from prefixrun.models.blocks import blocks, stacks, sub_layers
from prefixrun.models.replaced import replaced

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

SLOT = "adapter"
"""Name of an adapter in the module that it stands behind."""


class Adapter(nn.Module):
    """(..., width) to (..., width). Starts close to the identity: weights from N(0, 0.02), biases of zero.

    Computes in its own float32 whatever the model's dtype is.
    """

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        for layer in (self.down, self.up):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, states: Tensor) -> Tensor:
        update: Tensor = self.up(torch.relu(self.down(self.norm(states.float()))))
        return states + update.to(states.dtype)


class Adapters(Method):
    """Adapters by the names of the modules they stand behind; within `attach` they are children of these."""

    def __init__(self, names: Sequence[str], width: int, bottleneck: int) -> None:
        super().__init__()
        self._names = tuple(names)
        self.adapters = nn.ModuleList(Adapter(width, bottleneck) for _ in names)

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        """Inside another such block these adapters take the place of the outer ones."""
        modules = [backbone.model.get_submodule(name) for name in self._names]
        with ExitStack() as hooks:
            for module in modules:
                if SLOT not in module._modules:
                    hooks.enter_context(module.register_forward_hook(_through))
            pairs = zip(modules, self.adapters, strict=True)
            with replaced((module._modules, SLOT, adapter) for module, adapter in pairs):
                yield

    def trained_tensors(self) -> dict[str, Tensor]:
        """By their names in the model within `attach`, such as transformer.h.0.adapter.up.bias."""
        return {
            f"{name}.{SLOT}.{parameter_name}": parameter.detach()
            for name, adapter in zip(self._names, self.adapters, strict=True)
            for parameter_name, parameter in adapter.named_parameters()
        }


def _through(module: nn.Module, _: Any, output: Any) -> Any:
    """A module's output with the states, the first of a tuple, sent through its adapter."""
    adapter = module._modules[SLOT]
    assert adapter is not None
    return (adapter(output[0]), *output[1:]) if isinstance(output, tuple) else adapter(output)


def build(config: Config, backbone: Backbone) -> Adapters:
    """With its random initialisation."""
    return _adapters(config, backbone.model)


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Adapters:
    """The trained adapters in use. Raises DamagedStateError when they are another model's or of another size."""
    with torch.device("meta"):
        method = _adapters(config, backbone.model)
    check_fit(tensors, {name: tensor.shape for name, tensor in method.trained_tensors().items()})
    values = (tensors[name] for name in method.trained_tensors())
    state = dict(zip((name for name, _ in method.named_parameters()), values, strict=True))
    method.load_state_dict(state, assign=True)
    return method.requires_grad_(False)


def _adapters(config: Config, model: PreTrainedModel) -> Adapters:
    names, width = target_modules(model, config.method.adapter_form), model.config.hidden_size
    bottleneck = config.method.bottleneck
    assert bottleneck is not None, "the rules ask for a size, and a budget is solved before"
    return Adapters(names, width, bottleneck)


def target_modules(model: PreTrainedModel, form: str) -> list[str]:
    """Names of the modules that adapters stand behind, from the input to the output."""
    modules = [block for stack in stacks(model) for block in blocks(stack)]
    if form == "houlsby":
        modules = [layer for block in modules for layer in sub_layers(block)]
    names = {id(module): name for name, module in model.named_modules()}
    return [names[id(module)] for module in modules]

"""LoRA (Hu et al. 2021) through PEFT: an update B A of low rank beside frozen projections.

The layers are PEFT's, each around a projection of the backbone, and stand in its place only within `attach`. What is
updated is the same in all families, whatever they call it: queries and values (method.lora_modules=qv, the choice of
Hu et al.), the four projections of an attention (attention), or these and the feed-forward layer's (all); in an
encoder-decoder that is in encoder, decoder and cross attention.

GPT-2 computes queries, keys and values in one projection. As in the code of Hu et al. (MergedLinear), each of the three
is a projection with an update of its own, so that qv leaves the keys alone and a rank means the same in all families:
rank x (in + out) numbers for each projection. PEFT's own layer around the whole would share one A between the three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prefixrun.errors import ConfigError, MissingPartError, reading
from prefixrun.methods.base import Method
from prefixrun.methods.tensor_check import check_fit
from prefixrun.models.attention import attention_sites
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.quantised import QuantisedLinear
from prefixrun.models.replaced import replaced

if TYPE_CHECKING:
    from prefixrun.config.schema import Config, MethodConfig
    from prefixrun.models.backbone import Backbone

JOINT = "c_attn"
"""GPT-2's projection to queries, keys and values, in this order."""

QUERIES_VALUES = ("q", "v", "q_proj", "v_proj")

ADAPTER = "default"
"""PEFT's name of the only update that its layers have here."""


class SplitProjection(nn.Module):
    """GPT-2's joint projection (..., d) to (..., 3d) as three, whose weights are views of the frozen ones."""

    def __init__(self, joint: Conv1D) -> None:
        super().__init__()
        parts = zip(joint.weight.detach().chunk(3, dim=1), joint.bias.detach().chunk(3), strict=True)
        self.q, self.k, self.v = (_projection(weight, bias) for weight, bias in parts)

    def forward(self, states: Tensor) -> Tensor:
        return torch.cat([self.q(states), self.k(states), self.v(states)], dim=-1)


def _projection(weight: Tensor, bias: Tensor) -> Conv1D:
    with torch.device("meta"):
        projection = Conv1D(weight.shape[1], weight.shape[0])
    projection.weight = nn.Parameter(weight, requires_grad=False)
    projection.bias = nn.Parameter(bias, requires_grad=False)
    return projection


class LoRA(Method):
    """Low-rank updates by the names of the projections beside which they stand."""

    def __init__(self, config: MethodConfig, model: PreTrainedModel) -> None:
        """With its random start: A from PEFT's uniform distribution, B of zeros, so that nothing is changed at first.

        config: with a rank, which the rules ask for, or a budget is solved for before.
        """
        super().__init__()
        rank = config.rank
        assert rank is not None
        self.config, alpha = config, config.lora_alpha or 2 * rank
        self.scaling = alpha / rank
        updated, replacements = projections(model, config.lora_modules)
        layers = _layers(updated, rank, alpha, config.lora_dropout)
        for name, layer in layers.items():
            if _parent(name) in replacements:
                setattr(replacements[_parent(name)], _leaf(name), layer)
            else:
                replacements[name] = layer
        self._names = tuple(layers)
        # The layers hold the backbone's projections, which are not this method's to train, store or move.
        self._replacements = replacements
        self.updates = nn.ModuleList(
            nn.ModuleDict({kind: getattr(layer, kind)[ADAPTER] for kind in ("lora_A", "lora_B", "lora_dropout")})
            for layer in layers.values()
        )
        self.updates.float()  # whatever the backbone's dtype is

    def on_copy(self, backbone: Backbone) -> LoRA:
        """Around the projections of that copy."""
        with torch.random.fork_rng(devices=[]):
            copied = LoRA(self.config, backbone.model)
        return _with_updates(copied, self.trained_tensors())

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        """Inside another such block these updates take the place of the outer ones."""
        model, items = backbone.model, self._replacements.items()
        with replaced((model.get_submodule(_parent(name))._modules, _leaf(name), module) for name, module in items):
            yield

    def trained_tensors(self) -> dict[str, Tensor]:
        """By PEFT's names, such as model.layers.0.self_attn.q_proj.lora_A.weight: (rank, in), and lora_B: (out, rank).

        Of GPT-2's joint projection the parts are c_attn.q, c_attn.k and c_attn.v.
        """
        return {
            f"{name}.{parameter_name}": parameter.detach()
            for name, update in zip(self._names, self.updates, strict=True)
            for parameter_name, parameter in update.named_parameters()
        }

    def updates_of_modules(self) -> dict[str, tuple[Tensor, Tensor]]:
        """A (rank, in) and B (out, rank) of every module of the backbone that is updated, by its name there.

        The parts of GPT-2's joint projection become one update of all three whose rank is the sum of theirs: the A's
        stand above each other, and each B has the columns of its own A and the rows of its part.
        """
        updates: dict[str, tuple[Tensor, Tensor]] = {}
        joint: dict[str, dict[str, tuple[Tensor, Tensor]]] = {}
        for name, update in zip(self._names, self.updates, strict=True):
            pair = update.get_parameter("lora_A.weight").detach(), update.get_parameter("lora_B.weight").detach()
            if _leaf(_parent(name)) == JOINT:
                joint.setdefault(_parent(name), {})[_leaf(name)] = pair
            else:
                updates[name] = pair
        return updates | {name: _join(parts) for name, parts in joint.items()}


def _join(parts: Mapping[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """One update of a joint projection from those of its parts "q", "k" and "v"; one that is missing has no update."""
    out = next(iter(parts.values()))[1].shape[0]
    no_update = next(iter(parts.values()))[1].new_empty(out, 0)
    b = torch.block_diag(*(parts[part][1] if part in parts else no_update for part in "qkv"))
    return torch.cat([parts[part][0] for part in "qkv" if part in parts]), b


def build(config: Config, backbone: Backbone) -> LoRA:
    """See LoRA."""
    return LoRA(config.method, backbone.model)


def refuse(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for a model that computes queries, keys and values in one projection, in an order of its own,
    where queries and values alone are to be updated, and for GPT-2 when its joint projection is quantised."""
    for name, module in backbone.model.named_modules():
        if _leaf(name) == JOINT and isinstance(module, QuantisedLinear):
            raise ConfigError(
                f"method=lora: updates the parts of {name} of model={config.model.name} one by one, which "
                f"model.quantize={config.model.quantize} has made one; leave that out, or take another method or model"
            )
    if not projections(backbone.model, config.method.lora_modules)[0]:
        raise ConfigError(
            f"method.lora_modules={config.method.lora_modules}: model={config.model.name} has no projections to queries"
            " and values alone; give method.lora_modules=attention, which updates all of the attention"
        )


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> LoRA:
    """The trained updates in use.

    Raises:
        DamagedStateError: they are another model's or of another rank.
    """
    with torch.random.fork_rng(devices=[]):
        method = build(config, backbone)
    check_fit(tensors, {name: tensor.shape for name, tensor in method.trained_tensors().items()})
    return _with_updates(method, tensors)


def _with_updates(method: LoRA, tensors: Mapping[str, Tensor]) -> LoRA:
    for name, tensor in method.trained_tensors().items():
        tensor.copy_(tensors[name])
    return method.requires_grad_(False).eval()


def projections(model: PreTrainedModel, chosen: str) -> tuple[dict[str, nn.Module], dict[str, nn.Module]]:
    """The projections that are updated, by name, and GPT-2's joint ones, split, of which some of them are parts.

    chosen: schema.MethodConfig.lora_modules.
    """
    attention = {id(module) for modules in attention_sites(model).values() for module in modules}
    in_blocks = {id(module) for stack in stacks(model) for block in blocks(stack) for module in block.modules()}
    updated: dict[str, nn.Module] = {}
    joint: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        if not isinstance(module, (nn.Linear, Conv1D)) or id(module) not in in_blocks:
            continue
        parts: dict[str, nn.Module] = {name: module}
        if isinstance(module, Conv1D) and _leaf(name) == JOINT:
            joint[name] = SplitProjection(module)
            parts = {f"{name}.{part}": projection for part, projection in joint[name].named_children()}
        if chosen == "qv":
            parts = {part: projection for part, projection in parts.items() if _leaf(part) in QUERIES_VALUES}
        if chosen == "all" or id(model.get_submodule(_parent(name))) in attention:
            updated |= parts
    return updated, joint


def _layers(projections: Mapping[str, nn.Module], rank: int, alpha: float, dropout: float) -> dict[str, Any]:
    """PEFT's layers around projections. PEFT replaces modules of a model: here of a list of the projections alone."""
    from peft import LoraConfig, inject_adapter_in_model

    modules = nn.ModuleList(projections.values())
    # PEFT takes the device from the first parameter, and quantised weights are none.
    device = cast(Tensor, modules[0].weight).device
    modules.register_parameter("on_device", nn.Parameter(torch.empty(0, device=device)))
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # only divided by the rank
        lora_dropout=dropout,
        target_modules=[str(index) for index in range(len(modules))],
        fan_in_fan_out=isinstance(modules[0], Conv1D),
    )
    advice = "install a newer one: pip install --upgrade peft"  # peft 0.18 looks for what torchao 0.18 has no more
    with reading(f"method=lora: peft {version('peft')}", advice, MissingPartError):
        inject_adapter_in_model(config, modules, adapter_name=ADAPTER)
    return dict(zip(projections, modules, strict=True))


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]

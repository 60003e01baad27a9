"""Queries as they are before rotary position embeddings (RoFormer, arXiv 2104.09864) turn them.

transformers computes cosines and sines of the positions once a pass, gives them to each attention module
(`position_embeddings`), and turns queries and keys by `apply_rotary_pos_emb` of the module's file, before the attention
function gets them. Turned by the negative angles, a query is what it was. Families differ in which numbers of a head
are turned, and in some layers nothing is. No names say so; it is measured: turned keys and queries meet by the distance
between them, so that hidden states, and with them queries before the turn, stay the same wherever a text begins.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.errors import ConfigError
from prefixrun.models.attention import attach_prefix, attach_terms, attention_sites
from prefixrun.models.output_terms import OutputTerm

TOKENS, SHIFT = 6, 50
"""Length of the text that is read, and how many positions later it begins the second time."""
TOLERANCE = 0.05
"""Largest difference of queries that are the same, as a share of their norm: bfloat16 leaves a few hundredths."""


@dataclass(slots=True)
class Rotation:
    """What one attention module does to its queries, and how it is undone."""

    apply: Callable[..., tuple[Tensor, Tensor]]
    """`apply_rotary_pos_emb` of the module's file: (queries, keys, cosines, sines) to queries and keys."""
    channels: int
    """The first so many numbers of a head are turned; 0 in a layer without rotary embeddings."""
    angles: tuple[Tensor, Tensor] | None = None
    """Cosines and sines of the pass that the module is in, (rows or 1, queries, n)."""

    def note(self, _: nn.Module, args: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        """A hook in front of the module's forward pass."""
        self.angles = named.get("position_embeddings")

    def undo(self, query: Tensor) -> Tensor:
        """The queries (rows, heads, queries, head_dim) before they were turned."""
        if not self.channels:
            return query
        assert self.angles is not None, "the module's forward pass has noted them"
        cosines, sines = self.angles
        turned = query[..., : self.channels]
        back, _ = self.apply(turned, turned[:, :0], cosines, -sines)
        # Some families lengthen what they turn (YaRN): by the root of this, and here by it again.
        length = (cosines.float().square() + sines.float().square()).mean(dim=-1, keepdim=True).unsqueeze(1)
        back = (back / length).to(query.dtype)
        return torch.cat((back, query[..., self.channels :]), dim=-1)


@dataclass(frozen=True, slots=True)
class OfUnrotated:
    """A term that reads queries before they are turned."""

    term: OutputTerm
    rotation: Rotation

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        return self.term(self.rotation.undo(query), scaling, softcap)


@contextmanager
def attach_terms_of_unrotated(
    model: PreTrainedModel, by_site: Mapping[str, Sequence[OutputTerm | None]]
) -> Iterator[None]:
    """`attention.attach_terms` with terms that read queries before they are turned; see `rotations`."""
    known, sites = rotations(model), attention_sites(model)
    with ExitStack() as hooks:
        wrapped = {}
        for site, terms in by_site.items():
            wrapped[site] = list(terms)
            for layer, (module, term) in enumerate(zip(sites.get(site, []), terms, strict=False)):
                rotation = known.get(module)
                if term is not None and rotation is not None:
                    handle = module.register_forward_pre_hook(rotation.note, with_kwargs=True)
                    hooks.callback(handle.remove)
                    wrapped[site][layer] = OfUnrotated(term, rotation)
        with attach_terms(model, wrapped):
            yield


_KNOWN: WeakKeyDictionary[PreTrainedModel, dict[nn.Module, Rotation]] = WeakKeyDictionary()


def rotations(model: PreTrainedModel) -> Mapping[nn.Module, Rotation]:
    """Attention module → its rotation; nothing in a model without rotary embeddings. Measured once a model.

    Raises:
        ConfigError: the rotary embeddings of the model are not undone by turning back.
    """
    if not has_rotary(model):
        return {}
    known = _KNOWN.get(model, {})
    if any(module not in known for module in attention_sites(model).get("decoder", [])):
        known = _KNOWN[model] = _measured(model)
    return known


def has_rotary(model: nn.Module) -> bool:
    """Whether a module of the model computes rotary position embeddings."""
    return any("Rotary" in type(module).__name__ for module in model.modules())


def _measured(model: PreTrainedModel) -> dict[nn.Module, Rotation]:
    """Of each attention module the rotation that, undone, leaves the same queries wherever a text begins."""
    if model.config.is_encoder_decoder:
        raise _refusal(model, "it is an encoder-decoder")
    modules = attention_sites(model)["decoder"]
    probes = [_Probe() for _ in modules]
    noted = [Rotation(_rotating(module), 0) for module in modules]
    with ExitStack() as hooks, _by_itself(model), attach_terms(model, {"decoder": probes}):
        for module, rotation in zip(modules, noted, strict=True):
            hooks.callback(module.register_forward_pre_hook(rotation.note, with_kwargs=True).remove)
        _read_at_two_positions(model)
    measured = {}
    for layer, (module, rotation, probe) in enumerate(zip(modules, noted, probes, strict=True)):
        size = rotation.angles[0].shape[-1] if rotation.angles is not None else 0
        # Most families have two equal cosines for the two numbers that are turned together, some have one.
        choices = [replace(rotation, channels=channels) for channels in (0, size, 2 * size)]
        difference, best = min(
            ((_difference(choice, probe.queries), choice) for choice in choices), key=lambda measured: measured[0]
        )
        if not difference <= TOLERANCE:
            raise _refusal(model, f"the queries of layer {layer} still depend on their positions then")
        measured[module] = replace(best, angles=None)
    return measured


@contextmanager
def _by_itself(model: PreTrainedModel) -> Iterator[None]:
    """Without dropout, gradients, and a prefix that an outer block has attached."""
    training = model.training
    no_prefix = {"decoder": [None for _ in attention_sites(model)["decoder"]]}
    with torch.no_grad(), attach_prefix(model, no_prefix):
        model.eval()
        try:
            yield
        finally:
            model.train(training)


def _rotating(module: nn.Module) -> Callable[..., tuple[Tensor, Tensor]]:
    """What turns queries and keys in a module; where its file has no such function, nothing that could be undone."""
    return getattr(sys.modules[type(module).__module__], "apply_rotary_pos_emb", _no_rotation)


def _read_at_two_positions(model: PreTrainedModel) -> None:
    """One pass over two rows of the same tokens, of which the second begins SHIFT positions later."""
    device, vocabulary = model.device, int(model.config.vocab_size)
    ids = torch.tensor([vocabulary // 4 + index * vocabulary // 16 for index in range(TOKENS)], device=device)
    positions = torch.arange(TOKENS, device=device)
    model.base_model(
        input_ids=ids.expand(2, -1), position_ids=torch.stack((positions, positions + SHIFT)), use_cache=False
    )


@dataclass(slots=True)
class _Probe:
    """A term of zero that keeps the queries of a pass over two rows."""

    queries: Tensor = field(default_factory=lambda: torch.empty(0))

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        self.queries = query
        return query.new_zeros(())


def _difference(rotation: Rotation, queries: Tensor) -> float:
    """That of the queries of both rows when the rotation is undone, as a share of their norm."""
    if rotation.channels > queries.shape[-1]:
        return math.inf
    try:
        first, second = rotation.undo(queries).float()
    except RuntimeError:  # the family's function takes another number of channels for so many cosines
        return math.inf
    return float((first - second).norm() / first.norm())


def _no_rotation(query: Tensor, key: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
    return query, key


def _refusal(model: PreTrainedModel, reason: str) -> ConfigError:
    return ConfigError(
        f"method.query=unrotated: the rotary position embeddings of a model of type {model.config.model_type} cannot "
        f"be undone, because {reason}; give method.query=rotated"
    )

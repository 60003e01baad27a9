"""Prefix-tuning (section 4 of the paper).

Whatever is trained, what is stored and used are keys and values, `base.PrefixKeyValues`: the *projected*
keys and values of each layer, not hidden states. With grouped key/value heads (Llama) there are fewer of them than
query heads, and the prefix is as small as the model's own cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from prefixrun.config.field_types import layers_of
from prefixrun.config.schema import Config, InitConfig
from prefixrun.errors import ConfigError
from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.methods.init import fit_mlp, generator, initial_key_values, set_zero
from prefixrun.models.backbone import Backbone
from prefixrun.models.families import Shape
from prefixrun.models.prefix_kv import PrefixKV, at_layers

T = TypeVar("T")


def chosen_sites(config: Config, backbone: Backbone) -> tuple[str, ...]:
    """The attention sites that get a prefix: all that the backbone has, or those that `method.sites` names.

    Raises:
        ConfigError: the backbone has no such site.
    """
    if config.method.sites == "all":
        return backbone.sites
    named = tuple(config.method.sites.split("+"))
    missing = [site for site in named if site not in backbone.sites]
    if missing:
        raise ConfigError(
            f"method.sites={config.method.sites}: {config.model.name} has no attention of the site {missing[0]}; "
            f"it has {', '.join(backbone.sites)}"
        )
    return named


def chosen_layers(config: Config, backbone: Backbone) -> tuple[int, ...] | None:
    """The indices of the layers that get a prefix, those that `method.layers` names; None for all.

    Raises:
        ConfigError: the backbone has no such layer.
    """
    choice, total = config.method.layers, backbone.shape.layers
    if choice is None:
        return None
    layers = layers_of(choice, total)
    if layers is None:
        raise ConfigError(
            f"method.layers={choice}: {config.model.name} has {total} layers, 0 to {total - 1}; name some of them, as "
            f"in method.layers=0-{total - 1}"
        )
    return layers


class Prefix(Method):
    """Trainable keys and values in front of one or several attention sites, at all layers or some."""

    has_keys = True
    """Whether what it trains are keys and values of a softmax."""

    def __init__(self, prefix_len: int, dropout: float = 0.0, layers: Sequence[int] | None = None) -> None:
        """layers: indices of those that get a prefix; None for all."""
        super().__init__()
        self.prefix_len = prefix_len
        self.dropout = dropout
        self.layers = layers
        self._drawn = prefix_len

    @property
    def offset(self) -> int:
        return self.used_len

    def begin_batch(self, stream: np.random.Generator) -> None:
        if self.nested:
            self._drawn = int(stream.integers(1, self.prefix_len, endpoint=True))

    @property
    def used_len(self) -> int:
        """Positions that take part: all of them, and in nested training the first ones, as many as were drawn."""
        return self._drawn if self.training else self.prefix_len

    def stored_key_values(self) -> dict[str, Tensor]:
        """The keys and values as they are stored, without dropout; needs no backbone."""
        raise NotImplementedError

    def key_values(self, backbone: Backbone) -> PrefixKeyValues:
        return self.in_use()

    def in_use(self) -> PrefixKeyValues:
        """The stored keys and values of the positions that take part, with dropout while training."""
        key_values = self.stored_key_values()
        if self.used_len < self.prefix_len:
            key_values = {site: tensor[:, :, :, : self.used_len] for site, tensor in key_values.items()}
        return self.with_dropout(key_values)

    def prefix_kv(self, backbone: Backbone) -> Mapping[str, Sequence[PrefixKV | None]]:
        return {site: self.at_layers(values, backbone) for site, values in super().prefix_kv(backbone).items()}

    def at_layers(self, values: Sequence[T], backbone: Backbone) -> list[T | None]:
        """One value a layer of the backbone, None at those without a prefix. values: one a layer that has one."""
        return at_layers(values, self.layers, backbone.shape.layers)

    def with_dropout(self, key_values: PrefixKeyValues) -> PrefixKeyValues:
        """Keys and values with dropout while training, as in the paper's code (prefix_dropout, 0 there)."""
        if not (self.dropout and self.training):
            return key_values
        return {site: nn.functional.dropout(tensor, self.dropout) for site, tensor in key_values.items()}

    def trained_tensors(self) -> dict[str, Tensor]:
        return {site: tensor.detach() for site, tensor in self.stored_key_values().items()}

    def initialize(self, backbone: Backbone, config: Config) -> float | None:
        """Raises ConfigError for words of another length than the prefix."""
        if config.init.name == "uniform":
            self.uniform(generator(config.seed, backbone.head.device))
        elif config.init.name == "zero":
            self.zero()
            return 0.0
        target = initial_key_values(backbone, config)
        return None if target is None else self.fit_to(self.of_layers(target), config.init)

    def of_layers(self, target: PrefixKeyValues) -> PrefixKeyValues:
        """Keys and values of all layers of the backbone at the layers that have a prefix."""
        if self.layers is None:
            return target
        return {site: tensor[list(self.layers)] for site, tensor in target.items()}

    def uniform(self, stream: torch.Generator) -> None:
        """Initialise from uniform(0, 1), as the paper's appendix says."""
        raise NotImplementedError

    def zero(self) -> None:
        """Initialise keys and values with zero, exactly."""
        raise NotImplementedError

    def fit_to(self, target: PrefixKeyValues, config: InitConfig) -> float:
        """Move to `target`; returns the mean squared error that is left."""
        raise NotImplementedError


class FixedPrefix(Prefix):
    """A trained prefix in use: nothing to train."""

    def __init__(self, key_values: PrefixKeyValues, layers: Sequence[int] | None = None) -> None:
        super().__init__(next(iter(key_values.values())).shape[3], layers=layers)
        for site, tensor in key_values.items():
            self.register_buffer(site, tensor)
        self._names = tuple(key_values)

    def stored_key_values(self) -> dict[str, Tensor]:
        return {name: cast(Tensor, getattr(self, name)) for name in self._names}


class MLPPrefix(Prefix):
    """The reparametrisation of the paper's code, one for each site: see `Reparametrisation`."""

    def __init__(
        self,
        shape: Shape,
        sites: tuple[str, ...],
        prefix_len: int,
        mid_dim: int,
        dropout: float = 0.0,
        layers: Sequence[int] | None = None,
    ) -> None:
        super().__init__(prefix_len, dropout, layers)
        if layers is not None:
            shape = replace(shape, layers=len(layers))
        self.parts = nn.ModuleDict({site: Reparametrisation(shape, prefix_len, mid_dim) for site in sites})

    def stored_key_values(self) -> dict[str, Tensor]:
        return {site: part() for site, part in self.parts.items()}

    @torch.no_grad()
    def uniform(self, stream: torch.Generator) -> None:
        """The rows of P' are drawn, which the paper's text calls the prefix; the MLP keeps PyTorch's initialisation,
        because weights of 0 to 1 in so wide a layer would drive every tanh to 1."""
        for part in self.parts.values():
            part.embedding.weight.uniform_(generator=stream)  # type: ignore[union-attr, operator]

    def zero(self) -> None:
        for part in self.parts.values():
            set_zero(cast(nn.Module, part.mlp))

    def fit_to(self, target: PrefixKeyValues, config: InitConfig) -> float:
        fits = [fit_mlp(part, target[site], config) for site, part in self.parts.items()]  # type: ignore[arg-type]
        return sum(fits) / len(fits)


class Reparametrisation(nn.Module):
    """Embedding(l, d), Linear(d, k), tanh, Linear(k, 2 L d): gpt2/train_control.py of the paper's code.

    The embedding has the full width d (the paper's text says k) and all weights have PyTorch's default initialisation
    (the paper's text says uniform(0, 1)): both as in the code.
    """

    def __init__(self, shape: Shape, prefix_len: int, mid_dim: int) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(prefix_len, shape.width)
        self.mlp = nn.Sequential(
            nn.Linear(shape.width, mid_dim),
            nn.Tanh(),
            nn.Linear(mid_dim, 2 * shape.layers * shape.kv_heads * shape.head_dim),
        )

    def forward(self) -> Tensor:
        """The keys and values: (layers, 2, kv_heads, prefix_len, head_dim)."""
        rows = self.mlp(self.embedding.weight)
        shaped = rows.view(-1, self.shape.layers, 2, self.shape.kv_heads, self.shape.head_dim)
        return cast(Tensor, shaped.permute(1, 2, 3, 0, 4))


def build(config: Config, backbone: Backbone) -> MLPPrefix:
    """With its random initialisation. Raises ConfigError as `refuse`."""
    method, sites, layers = config.method, chosen_sites(config, backbone), chosen_layers(config, backbone)
    return MLPPrefix(backbone.shape, sites, config.prefix_len, method.mid_dim, method.prefix_dropout, layers)


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FixedPrefix:
    """From the keys and values that were stored."""
    return FixedPrefix(tensors, chosen_layers(config, backbone))


def refuse(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for sites or layers that the backbone does not have."""
    chosen_sites(config, backbone)
    chosen_layers(config, backbone)

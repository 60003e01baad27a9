"""A prefix without the MLP: the keys and values themselves are the parameters (section 4.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from prefixrun.config.schema import Config, InitConfig
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.prefix import Prefix, chosen_layers, chosen_sites, refuse, restore
from prefixrun.models.backbone import Backbone
from prefixrun.models.families import Shape

__all__ = ["FlatPrefix", "build", "refuse", "restore"]


class FlatPrefix(Prefix):
    """The keys and values themselves are the parameters, which the paper found less stable (section 4.3).

    Starts from a standard normal, as the code's variant without the MLP does.
    """

    def __init__(
        self,
        shape: Shape,
        sites: Sequence[str],
        prefix_len: int,
        dropout: float = 0.0,
        layers: Sequence[int] | None = None,
    ) -> None:
        super().__init__(prefix_len, dropout, layers)
        size = (shape.layers if layers is None else len(layers), 2, shape.kv_heads, prefix_len, shape.head_dim)
        self.prefix = nn.ParameterDict({site: nn.Parameter(self.random_init(size)) for site in sites})

    @classmethod
    def from_config(cls, config: Config, backbone: Backbone) -> Self:
        """With its random initialisation. Raises ConfigError for sites or layers that the backbone does not have."""
        sites, layers = chosen_sites(config, backbone), chosen_layers(config, backbone)
        return cls(backbone.shape, sites, config.prefix_len, config.method.prefix_dropout, layers)

    @staticmethod
    def random_init(size: tuple[int, ...]) -> Tensor:
        """Keys and values of a site, of the size (layers, 2, kv_heads, prefix_len, head_dim)."""
        return torch.randn(size)

    def stored_key_values(self) -> dict[str, Tensor]:
        return dict(self.prefix.items())

    @torch.no_grad()
    def uniform(self, stream: torch.Generator) -> None:
        for parameter in self.prefix.values():
            parameter.uniform_(generator=stream)

    @torch.no_grad()
    def zero(self) -> None:
        for parameter in self.prefix.values():
            parameter.zero_()

    @torch.no_grad()
    def fit_to(self, target: PrefixKeyValues, config: InitConfig) -> float:
        for site, tensor in target.items():
            if site in self.prefix:
                self.prefix[site].copy_(tensor)
        return 0.0


build = FlatPrefix.from_config

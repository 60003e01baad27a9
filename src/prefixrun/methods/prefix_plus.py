"""A prefix outside the softmax (Prefix-Tuning+, later PrefixMemory-Tuning, Wang et al. 2025, arXiv 2506.13674).

In attention with a prefix the input's length decides how much weight is left for it. The paper takes the prefix's part
out of the softmax, lets a feature map stand for the exponential, and drops the division. The output of a head is

    softmax(q K^T) V + elu(q) M,    M = F^T V' / (prefix_len x root of head_dim)

with the text's K and V as without a prefix. elu is the paper's choice for its experiments. Where it leaves a choice, or
where this differs:

* The paper trains M itself, head_dim x head_dim numbers. Here M is the product of F and V', (prefix_len, head_dim)
  each, as in the sum over positions that the paper derives it from; dividing it makes a mean of the sum, so that one
  learning rate suits all lengths. So prefix_len is the rank of M, and a prefix of the same length stores exactly as
  many numbers. M itself would cost as much as prefix_len = head_dim / 2; prefix_len = head_dim has every M, at twice
  that.
* Query heads that share a key share M.
* q is not divided by the root of head_dim. The paper's formulas have no position embeddings: q is a projection of the
  hidden state. They leave open which side of rotary embeddings (RoPE) it is. With method.query=rotated it is what the
  model's attention gets, turned by its position, and elu(q) M is another map of the hidden state at every position.
  With method.query=unrotated it is the projection (behind a norm of queries where the model has one), and the map is
  the same everywhere.
* V' is initialised with zero, so that training starts from the plain model, F from a standard normal distribution,
  or with init=words from elu of the keys of the words, a row with a mean square of 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from prefixrun.config.schema import Config, InitConfig
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.methods.prefix import refuse
from prefixrun.models.backbone import Backbone
from prefixrun.models.output_terms import Memory, OutputTerm
from prefixrun.models.rotary import attach_terms_of_unrotated, rotations

__all__ = ["PlusPrefix", "build", "refuse", "restore"]


class PlusPrefix(OutsidePrefix):
    """Features F and values V' in the place of keys and values: (layers, 2, kv_heads, prefix_len, head_dim) a site."""

    has_keys = False
    unrotated = False
    """Whether it reads queries before rotary position embeddings turn them."""

    @classmethod
    def from_config(cls, config: Config, backbone: Backbone) -> Self:
        method = super().from_config(config, backbone)
        method.unrotated = config.method.query == "unrotated"
        return method

    def initialize(self, backbone: Backbone, config: Config) -> float | None:
        """Raises ConfigError also for unrotated queries of a model that turns them in a way that is not undone."""
        if self.unrotated:
            rotations(backbone.model)
        return super().initialize(backbone, config)

    def attach_terms(
        self, backbone: Backbone, by_site: Mapping[str, Sequence[OutputTerm | None]]
    ) -> AbstractContextManager[None]:
        if self.unrotated:
            return attach_terms_of_unrotated(backbone.model, by_site)
        return super().attach_terms(backbone, by_site)

    @staticmethod
    def random_init(size: tuple[int, ...]) -> Tensor:
        drawn = torch.randn(size)
        drawn[:, 1] = 0
        return drawn

    def terms(self, site: str, key_values: Tensor) -> Sequence[Memory]:
        return [Memory(layer[0], layer[1]) for layer in key_values]

    @torch.no_grad()
    def uniform(self, stream: torch.Generator) -> None:
        for parameter in self.prefix.values():
            parameter[:, 0] = torch.rand(parameter[:, 0].shape, generator=stream, device=parameter.device)

    @torch.no_grad()
    def fit_to(self, target: PrefixKeyValues, config: InitConfig) -> float:
        """The features become those of the target's keys, with a mean square of 1; the values stay zero."""
        for site, parameter in self.prefix.items():
            features = functional.elu(target[site][:, 0])
            parameter[:, 0] = functional.normalize(features, dim=-1) * features.shape[-1] ** 0.5
        return 0.0


build, restore = PlusPrefix.from_config, PlusPrefix.restore

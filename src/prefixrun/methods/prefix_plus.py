"""A prefix outside the softmax (Prefix-Tuning+, Wang et al. 2025, arXiv 2506.13674).

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
* q is what the model's attention gets, behind position embeddings, not divided by the root of head_dim.
* V' starts at zero, so that the start is the plain model. F starts from a standard normal distribution,
  or with init=words from elu of the keys of the words, a row with a mean square of 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from prefixrun.config.schema import InitConfig
from prefixrun.errors import ConfigError
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.methods.prefix import refuse
from prefixrun.models.output_terms import Memory

__all__ = ["PlusPrefix", "build", "refuse", "restore"]


class PlusPrefix(OutsidePrefix):
    """Features F and values V' in the place of keys and values: (layers, 2, kv_heads, prefix_len, head_dim) a site."""

    has_keys = False

    @staticmethod
    def random_start(size: tuple[int, ...]) -> Tensor:
        start = torch.randn(size)
        start[:, 1] = 0
        return start

    def terms(self, site: str, key_values: Tensor) -> Sequence[Memory]:
        return [Memory(layer[0], layer[1]) for layer in key_values]

    @torch.no_grad()
    def uniform(self, stream: torch.Generator) -> None:
        for parameter in self.prefix.values():
            parameter[:, 0] = torch.rand(parameter[:, 0].shape, generator=stream, device=parameter.device)

    def zero(self) -> None:
        raise ConfigError("init=zero: features and values of zero have no gradient; give init=random")

    @torch.no_grad()
    def fit_to(self, target: PrefixKeyValues, config: InitConfig) -> float:
        """The features become those of the target's keys, with a mean square of 1; the values stay zero."""
        for site, parameter in self.prefix.items():
            features = functional.elu(target[site][:, 0])
            parameter[:, 0] = functional.normalize(features, dim=-1) * features.shape[-1] ** 0.5
        return 0.0


build, restore = PlusPrefix.from_config, PlusPrefix.restore

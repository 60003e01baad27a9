"""Prefix-tuning for decoder-only models (section 4 of the paper).

Whatever is trained, what is stored and used afterwards is one tensor, the flat prefix:
(layers, 2, kv_heads, prefix_len, head_dim), index 0 of the second axis the keys and 1 the values. They are the
*projected* keys and values of each layer, not hidden states. With grouped key/value heads (Llama) there are fewer of
them than query heads, and the prefix is as small as the model's own cache.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from prefixrun.attention import Front
from prefixrun.models import Sizes
from prefixrun.schema import MethodConfig


class Prefix(nn.Module):
    """A trainable prefix."""

    def flat(self) -> Tensor:
        """The keys and values: (layers, 2, kv_heads, prefix_len, head_dim)."""
        raise NotImplementedError

    @property
    def trained(self) -> int:
        """Number of parameters that the optimiser moves."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    @property
    def stored(self) -> int:
        """Number of parameters that are kept after training: the flat prefix."""
        return self.flat().numel()


class FlatPrefix(Prefix):
    """The keys and values themselves are the parameters, which the paper found less stable (section 4.3).

    Starts from a standard normal, as the code's variant without the MLP does.
    """

    def __init__(self, sizes: Sizes, prefix_len: int) -> None:
        super().__init__()
        self.prefix = nn.Parameter(torch.randn(sizes.layers, 2, sizes.kv_heads, prefix_len, sizes.head_dim))

    def flat(self) -> Tensor:
        return self.prefix


class MLPPrefix(Prefix):
    """The reparametrisation of the paper's code: Embedding(l, d), Linear(d, k), tanh, Linear(k, 2 L d).

    The embedding has the full width d (the paper's text says k) and all weights start from PyTorch's defaults (the
    paper's text says uniform(0, 1)): both as in the code, gpt2/train_control.py.
    """

    def __init__(self, sizes: Sizes, prefix_len: int, mid_dim: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(prefix_len, sizes.width)
        self.mlp = nn.Sequential(
            nn.Linear(sizes.width, mid_dim),
            nn.Tanh(),
            nn.Linear(mid_dim, 2 * sizes.layers * sizes.kv_heads * sizes.head_dim),
        )

    def flat(self) -> Tensor:
        prefix_len = self.embedding.num_embeddings
        rows = self.mlp(self.embedding.weight)
        shaped = rows.view(prefix_len, self.sizes.layers, 2, self.sizes.kv_heads, self.sizes.head_dim)
        return cast(Tensor, shaped.permute(1, 2, 3, 0, 4))


def build_prefix(config: MethodConfig, sizes: Sizes, prefix_len: int, generator_seed: int) -> Prefix:
    """A prefix with its random start, drawn from a stream of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator_seed)
        if config.name == "prefix_flat":
            return FlatPrefix(sizes, prefix_len)
        return MLPPrefix(sizes, prefix_len, config.mid_dim)


def fronts_of(flat: Tensor, dtype: torch.dtype) -> list[Front]:
    """One front a layer, shared by all rows of a batch. flat: (layers, 2, kv_heads, prefix_len, head_dim)."""
    cast_flat = flat.to(dtype)
    return [Front(keys=layer[0].unsqueeze(0), values=layer[1].unsqueeze(0)) for layer in cast_flat]

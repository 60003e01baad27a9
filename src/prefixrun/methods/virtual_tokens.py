"""Input embeddings of virtual tokens, free parameters or made by an MLP."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from prefixrun.config.schema import InitConfig
from prefixrun.methods.init import fit_mlp, generator, set_zero


class VirtualTokens(nn.Module):
    """`length` trained vectors of width d: Embedding(l, d), with an MLP behind it Linear(d, k), tanh, Linear(k, d)
    (gpt2/train_control.py of the paper's code, class PrefixEmbTuning). All have PyTorch's default initialisation."""

    def __init__(self, length: int, width: int, mid_dim: int | None = None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(length, width)
        self.mlp: nn.Module = (
            nn.Identity()
            if mid_dim is None
            else nn.Sequential(nn.Linear(width, mid_dim), nn.Tanh(), nn.Linear(mid_dim, width))
        )

    def forward(self) -> Tensor:
        """The vectors: (length, d)."""
        return cast(Tensor, self.mlp(self.embedding.weight))

    def initialize(self, config: InitConfig, words: Tensor | None, seed: int) -> float | None:
        """Initialise as `config` says; `words`: (length, d) for the initialisations from tokens.

        Returns the mean squared error that a fit of the MLP left, None where nothing was fitted.
        """
        if config.name == "random":
            return None
        with torch.no_grad():
            if config.name == "uniform":
                self.embedding.weight.uniform_(generator=generator(seed, self.embedding.weight.device))
                return None
            target = torch.zeros_like(self.embedding.weight) if words is None else words.to(self.embedding.weight)
            if isinstance(self.mlp, nn.Identity):
                self.embedding.weight.copy_(target)
                return 0.0
            if words is None:
                set_zero(self.mlp)
                return 0.0
        return fit_mlp(self, target, config)

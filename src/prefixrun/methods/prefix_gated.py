"""A gated prefix: keys and values with a softmax of their own, times a gate that starts at zero.

LLaMA-Adapter (Zhang et al. 2023, arXiv 2303.16199; analysed in arXiv 2502.03029). The output of an attention head h is

    softmax(q K^T) V + tanh(g_h) softmax(q P_k^T) P_v

with the text's K and V as without a prefix. Every gate g_h, one a query head and layer, is zero at first: so training
starts from the plain model, however keys and values are initialised. There are two differences from the paper. It
trains embeddings that the frozen projections of the layer turn into keys and values, and here these are trained
themselves, so that grouped heads share them and a prefix of the same length stores as much, the gates apart. It puts
them into the topmost layers alone; here method.layers=NUMBER does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.methods.peft_format import GATE
from prefixrun.methods.prefix import refuse
from prefixrun.models.families import Shape
from prefixrun.models.output_terms import GatedAttention

__all__ = ["GatedPrefix", "build", "refuse", "restore"]


class GatedPrefix(OutsidePrefix):
    """The keys and values of `FlatPrefix`, and a gate for each query head of a layer: (layers, heads)."""

    def __init__(
        self,
        shape: Shape,
        sites: Sequence[str],
        prefix_len: int,
        dropout: float = 0.0,
        layers: Sequence[int] | None = None,
    ) -> None:
        super().__init__(shape, sites, prefix_len, dropout, layers)
        size = (shape.layers if layers is None else len(layers), shape.heads)
        self.gate = nn.ParameterDict({site: nn.Parameter(torch.zeros(size)) for site in sites})

    def terms(self, site: str, key_values: Tensor) -> Sequence[GatedAttention]:
        gates = torch.tanh(self.gate[site]).to(key_values.dtype)
        return [GatedAttention(layer[0], layer[1], gate) for layer, gate in zip(key_values, gates, strict=True)]

    def trained_tensors(self) -> dict[str, Tensor]:
        """Keys and values by site, and the gates before tanh."""
        gates = {GATE + site: gate.detach() for site, gate in self.gate.items()}
        return {**super().trained_tensors(), **gates}

    def stored_names(self) -> dict[str, str]:
        return {**super().stored_names(), **{GATE + site: f"gate.{site}" for site in self.gate}}


build, restore = GatedPrefix.from_config, GatedPrefix.restore

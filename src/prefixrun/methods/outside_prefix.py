"""Prefixes that stand outside the softmax over the text: what `prefix_gated` and `prefix_plus` have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Self

import torch
from torch import Tensor

from prefixrun.config.schema import Config
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.methods.tensor_check import check_fit
from prefixrun.models.attention import attach_terms
from prefixrun.models.backbone import Backbone
from prefixrun.models.output_terms import OutputTerm


class OutsidePrefix(FlatPrefix):
    """Trained vectors like the keys and values of a prefix, from which a term of each attention's output is made.

    The text keeps the positions that it has without them, and no cache can hold them.
    """

    @property
    def offset(self) -> int:
        return 0

    def key_values(self, backbone: Backbone) -> PrefixKeyValues:
        return {}

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        with self.attach_terms(backbone, self.terms_by_site(backbone)):
            yield

    def attach_terms(
        self, backbone: Backbone, by_site: Mapping[str, Sequence[OutputTerm | None]]
    ) -> AbstractContextManager[None]:
        """Let its terms, or others made of them, read the queries that it reads; see `attention.attach_terms`."""
        return attach_terms(backbone.model, by_site)

    def terms_by_site(self, backbone: Backbone) -> dict[str, list[OutputTerm | None]]:
        """By site and layer of the backbone, in its dtype; None at a layer without a prefix."""
        dtype = backbone.head.dtype
        return {
            site: self.at_layers(self.terms(site, tensor.to(dtype)), backbone) for site, tensor in self.in_use().items()
        }

    def stored_names(self) -> dict[str, str]:
        """Name of a stored tensor → name of its parameter."""
        return {site: f"prefix.{site}" for site in self.prefix}

    def terms(self, site: str, key_values: Tensor) -> Sequence[OutputTerm]:
        """One for each layer that has a prefix. key_values: (layers, 2, kv_heads, prefix_len, head_dim)."""
        raise NotImplementedError

    @classmethod
    def restore(cls, config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Self:
        """The trained prefix in use. Raises DamagedStateError when it is another model's or has another length."""
        with torch.device("meta"):
            method = cls.from_config(config, backbone)
        check_fit(tensors, {name: tensor.shape for name, tensor in method.trained_tensors().items()})
        by_parameter = {parameter: tensors[name] for name, parameter in method.stored_names().items()}
        method.load_state_dict(by_parameter, assign=True)
        method.requires_grad_(False)
        return method

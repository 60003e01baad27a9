"""A trained prefix without some of its keys and values: what outputs lose when one position or layer is missing.

The text stays at the positions that it has behind the whole prefix. So what changes is what the missing keys and values
gave, and not how far away the others are. The window of a model that attends to the nearest positions alone counts
those that are left, as if they followed each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from prefixrun.methods.base import Method
from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.methods.prefix import Prefix
from prefixrun.models.output_terms import GatedAttention, Memory, OutputTerm
from prefixrun.models.prefix_kv import PrefixKV

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone


@dataclass(frozen=True, slots=True)
class Part:
    """Some positions of a prefix at some layers of one site."""

    site: str
    layers: tuple[int, ...]
    """Indices among the layers of the backbone."""
    positions: tuple[int, ...]


class LeftOut(Method):
    """A trained prefix in use without some parts of it."""

    def __init__(self, whole: Prefix, parts: Sequence[Part]) -> None:
        super().__init__()
        self.whole, self.parts = whole, tuple(parts)

    @property
    def offset(self) -> int:
        return self.whole.offset

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        if isinstance(self.whole, OutsidePrefix):
            by_site = {
                site: [_term_without(term, self._left_of(site, layer)) for layer, term in enumerate(terms)]
                for site, terms in self.whole.terms_by_site(backbone).items()
            }
            with self.whole.attach_terms(backbone, by_site):
                yield
        else:
            with super().attach(backbone):
                yield

    def prefix_kv(self, backbone: Backbone) -> Mapping[str, Sequence[PrefixKV | None]]:
        return {
            site: [_prefix_without(prefix, self._left_of(site, layer)) for layer, prefix in enumerate(prefixes)]
            for site, prefixes in self.whole.prefix_kv(backbone).items()
        }

    def _left_of(self, site: str, layer: int) -> list[int]:
        """The positions that are left."""
        gone = {
            position for part in self.parts if part.site == site and layer in part.layers for position in part.positions
        }
        return [position for position in range(self.whole.prefix_len) if position not in gone]


def _prefix_without(prefix: PrefixKV | None, left: Sequence[int]) -> PrefixKV | None:
    if prefix is None or not left:
        return None
    if len(left) == prefix.keys.shape[2]:
        return prefix
    return replace(prefix, keys=prefix.keys[:, :, left], values=prefix.values[:, :, left])


def _term_without(term: OutputTerm | None, left: Sequence[int]) -> OutputTerm | None:
    """A gated prefix has a softmax over the positions that are left. In the sum over positions of a prefix outside the
    softmax the others are zero: it is divided by the whole length."""
    if term is None or not left:
        return None
    if isinstance(term, GatedAttention):
        return replace(term, keys=term.keys[:, left], values=term.values[:, left])
    assert isinstance(term, Memory), "a term of another method"
    values = torch.zeros_like(term.values)
    values[:, left] = term.values[:, left]
    return replace(term, values=values)

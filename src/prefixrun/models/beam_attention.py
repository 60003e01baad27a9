"""How the cache of a search reaches the attention modules of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel

from prefixrun.models.attention import attention_sites
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.replaced import replaced


@contextmanager
def beams_attached(model: PreTrainedModel, cache: BeamCache, *, in_place_of_prefix: bool) -> Iterator[None]:
    """Let the decoder's attention read `cache`, whose rows are inputs, for queries whose rows are beams.

    in_place_of_prefix: whether the cache has what is attached there too, so that it is not read.
    """
    if not cache.modules:  # looked for once a search, not at every step
        cache.modules = attention_sites(model)["decoder"]
    values = {"beam_cache": cache, **({"prefix_kv": None} if in_place_of_prefix else {})}
    with replaced((vars(module), slot, value) for module in cache.modules for slot, value in values.items()):
        yield

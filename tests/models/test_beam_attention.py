"""The cache of a search is read within the block, in place of a prefix or beside it, and not afterwards."""

import pytest
import torch

import tiny_families
from prefixrun.models.attention import attach_prefix, attention_sites
from prefixrun.models.beam_attention import beams_attached
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.prefix_kv import PrefixKV


@pytest.mark.parametrize("in_place_of_prefix", [True, False])
def test_modules_have_the_cache_within_the_block(in_place_of_prefix: bool) -> None:
    model, cache = tiny_families.random_model("llama"), BeamCache(beams=2)
    modules = attention_sites(model)["decoder"]
    prefix = PrefixKV(torch.ones(1, 1, 2, 4), torch.ones(1, 1, 2, 4))
    with attach_prefix(model, {"decoder": [prefix] * len(modules)}):
        for _ in range(2):
            with beams_attached(model, cache, in_place_of_prefix=in_place_of_prefix):
                assert all(module.beam_cache is cache for module in modules)
                expected = None if in_place_of_prefix else prefix
                assert all(module.prefix_kv is expected for module in modules)
            assert not any(hasattr(module, "beam_cache") for module in modules)
            assert all(module.prefix_kv is prefix for module in modules)
    assert cache.modules == modules

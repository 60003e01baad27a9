"""The caches that models of transformers read: what they return is what was appended, row by row."""

import torch

from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.kv_cache import EmptyCrossCache, KeyValueCache
from prefixrun.models.prefix_kv import PrefixKV


def test_a_cache_grows_by_layer() -> None:
    cache = KeyValueCache()
    first, second = torch.arange(4.0).view(2, 1, 1, 2), torch.arange(4.0, 8.0).view(2, 1, 1, 2)
    assert cache.get_seq_length() == 0
    cache.update(first, -first, 0)
    cache.update(10 * first, -10 * first, 1)
    keys, values = cache.update(second, -second, 0)
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    assert torch.equal(values, -keys)
    assert (cache.get_seq_length(), cache.get_seq_length(1)) == (2, 1)
    assert torch.equal(cache.key_values()[1][1], -10 * first)


def test_the_cross_part_of_a_cache_is_computed_and_empty_in_every_layer() -> None:
    own = BeamCache(beams=1)
    own.add([PrefixKV(torch.ones(2, 1, 3, 4), torch.ones(2, 1, 3, 4))])
    own.advance([[0], [0]], [3, 3])
    cache = EmptyCrossCache(own, torch.zeros(2, 1, 0, 4), layers=3)
    assert cache.get_seq_length() == 3
    assert cache.self_attention_cache is own
    assert cache.is_updated == {0: True, 1: True, 2: True}
    assert [layer.keys.shape for layer in cache.cross_attention_cache.layers] == [(2, 1, 0, 4)] * 3

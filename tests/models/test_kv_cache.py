"""The cache of a search: what it returns is what was appended, row by row, whatever room it has made."""

import torch

from prefixrun.models.kv_cache import EmptyCrossCache, KeyValueCache


def test_a_cache_grows_by_layer_and_selects_rows() -> None:
    cache = KeyValueCache()
    first, second = torch.arange(4.0).view(2, 1, 1, 2), torch.arange(4.0, 8.0).view(2, 1, 1, 2)
    cache.update(first, -first, 0)
    cache.update(10 * first, -10 * first, 1)
    keys, values = cache.update(second, -second, 0)
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    assert torch.equal(values, -keys)
    assert cache.keys[1].shape[2] == 1
    cache.select(torch.tensor([1, 1, 0]))
    third, _ = cache.update(first.repeat(2, 1, 1, 1)[:3], first.repeat(2, 1, 1, 1)[:3], 0)
    assert torch.equal(third[:, :, :2], keys[[1, 1, 0]])
    assert third.shape[2] == 3
    assert torch.equal(cache.values[1], -10 * first[[1, 1, 0]])


def test_a_cache_that_outgrows_its_room_holds_what_was_written() -> None:
    generator = torch.Generator().manual_seed(0)
    cache, keys, values = KeyValueCache(), torch.zeros(3, 2, 0, 4), torch.zeros(3, 2, 0, 4)
    for step in range(3 * KeyValueCache.GROWTH):
        key, value = torch.randn(2, 3, 2, 1 + step % 2 * KeyValueCache.GROWTH, 4, generator=generator).unbind(0)
        keys, values = torch.cat([keys, key], dim=2), torch.cat([values, value], dim=2)
        found = cache.update(key, value, 0)
        assert torch.equal(found[0], keys)
        assert torch.equal(found[1], values)
        rows = torch.randint(3, (3,), generator=generator)
        cache.select(rows)
        keys, values = keys[rows], values[rows]


def test_a_cache_begins_with_given_keys_and_values_and_gives_them_back_without_its_room() -> None:
    pairs = [(torch.full((1, 1, 2, 3), float(layer)), torch.full((1, 1, 2, 3), -float(layer))) for layer in range(2)]
    cache = KeyValueCache.of(pairs)
    assert cache.get_seq_length() == cache.get_seq_length(1) == 2
    assert KeyValueCache().get_seq_length() == 0
    for layer in range(2):
        cache.update(torch.ones(1, 1, 1, 3), torch.ones(1, 1, 1, 3), layer)
    assert cache.keys[0].shape[2] > 3, "room for more than the one position"
    for (keys, values), (key, value) in zip(cache.key_values(), pairs, strict=True):
        assert torch.equal(keys, torch.cat([key, torch.ones(1, 1, 1, 3)], dim=2))
        assert torch.equal(values, torch.cat([value, torch.ones(1, 1, 1, 3)], dim=2))


def test_the_cross_part_of_a_cache_is_computed_and_empty_in_every_layer() -> None:
    own = KeyValueCache.of([(torch.ones(2, 1, 3, 4), torch.ones(2, 1, 3, 4))])
    cache = EmptyCrossCache(own, torch.zeros(2, 1, 0, 4), layers=3)
    assert cache.get_seq_length() == 3
    assert cache.self_attention_cache is own
    assert cache.is_updated == {0: True, 1: True, 2: True}
    assert [layer.keys.shape for layer in cache.cross_attention_cache.layers] == [(2, 1, 0, 4)] * 3

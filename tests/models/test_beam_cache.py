"""The cache of a search: what a beam sees is what was read and what it and its ancestors wrote, in any order."""

import torch

from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.prefix_kv import PrefixKV

LAYERS, KV_HEADS, HEAD_DIM = 2, 2, 3


def entries(*numbers: list[float]) -> list[PrefixKV]:
    """By layer, keys that are numbers, padded on the right: an entry has one number a position."""
    longest = max(map(len, numbers))
    padded = torch.tensor([[*row, *[0.0] * (longest - len(row))] for row in numbers], dtype=torch.float32)
    hidden = torch.tensor([[float(column >= len(row)) for column in range(longest)] for row in numbers])
    keys = padded[:, None, :, None].expand(-1, KV_HEADS, -1, HEAD_DIM)
    return [PrefixKV(keys + 100 * layer, -keys, torch.finfo().min * hidden[:, None, None]) for layer in range(LAYERS)]


def write(cache: BeamCache, tokens: list[list[float]]) -> None:
    new = torch.tensor(tokens, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, KV_HEADS, 1, HEAD_DIM)
    for layer in range(LAYERS):
        cache.update(new + 100 * layer, -new, layer)


def seen(cache: BeamCache, layer: int = 0) -> list[list[list[float]]]:
    """By input and beam, the keys that are visible, sorted."""
    mask = cache.tables.mask.view(cache.inputs, cache.beams, -1)
    keys, values = cache.layers[layer][:, : cache.inputs, :, : mask.shape[2], HEAD_DIM - 1]
    visible = []
    for index in range(cache.inputs):
        columns = [mask[index, beam] == 0 for beam in range(cache.beams)]
        visible.append([sorted((keys[index, 0][each] - 100 * layer).tolist()) for each in columns])
        assert visible[-1] == [sorted((-values[index, KV_HEADS - 1][each]).tolist()) for each in columns]
    return visible


def test_beams_see_what_their_input_read_and_their_ancestors_wrote() -> None:
    cache = BeamCache(beams=2)
    cache.add(entries([1, 2], [3]))
    cache.advance([[0, 0], [0, 0]], [2, 1])
    write(cache, [[10, 11], [20, 21]])
    assert seen(cache) == [[[1, 2, 10], [1, 2, 11]], [[3, 20], [3, 21]]]
    cache.advance([[1, 1], [1, 0]], [3, 2])
    write(cache, [[12, 13], [22, 23]])
    assert seen(cache) == seen(cache, 1) == [[[1, 2, 11, 12], [1, 2, 11, 13]], [[3, 21, 22], [3, 20, 23]]]
    assert cache.get_seq_length() == 3
    positions = cache.tables.positions
    assert positions[0][cache.tables.mask.view(2, 2, -1)[0, 0] == 0].sort().values.tolist() == [0, 1, 2, 3]


def test_columns_that_no_beam_sees_take_new_tokens() -> None:
    cache = BeamCache(beams=2)
    cache.add(entries([1]))
    for step in range(100):
        cache.advance([[0, 0]], [1 + step])
        write(cache, [[10 + step, 1000 + step]])
    assert seen(cache)[0][0] == [1, *(10.0 + step for step in range(100))]
    columns = cache.tables.mask.shape[-1]
    assert columns <= 1 + 100 + 2
    assert cache.layers[0].shape[3] < columns + BeamCache.GROWTH + 2


def test_inputs_leave_and_others_take_their_places() -> None:
    cache = BeamCache(beams=1)
    cache.add(entries([1], [2, 2], [3], [4]))
    cache.advance([[0]] * 4, [1, 2, 1, 1])
    write(cache, [[10], [20], [30], [40]])
    assert cache.remove({1, 2}) == [0, 3]
    cache.add(entries([5, 6, 7]))
    assert cache.inputs == 3
    cache.advance([[0]] * 3, [2, 2, 3])
    write(cache, [[11], [41], [51]])
    assert seen(cache) == seen(cache, 1) == [[[1, 10, 11]], [[4, 40, 41]], [[5, 6, 7, 51]]]
    assert cache.remove({0, 1, 2}) == []
    cache.add(entries([8]))
    cache.advance([[0]], [1])
    write(cache, [[9]])
    assert seen(cache) == [[[8, 9]]]


def test_layers_may_lack_the_first_columns() -> None:
    """A prefix at some layers: the others have the prompt alone, at the same positions."""
    whole, prompt = entries([1, 2, 3, 4], [5, 6, 7]), entries([3, 4], [7])
    cache = BeamCache(beams=1)
    cache.add([whole[0], PrefixKV(prompt[1].keys, prompt[1].values, prompt[1].bias, first=2)])
    cache.advance([[0], [0]], [4, 3])
    write(cache, [[10], [20]])
    mask = cache.tables.mask.view(2, -1)
    assert torch.equal(cache.masked_at(0, mask), mask)
    keys = cache.layers[1][0, :, 0, : mask.shape[1], 0] - 100
    visible = [sorted(row[seen == 0].tolist()) for row, seen in zip(keys, cache.masked_at(1, mask), strict=True)]
    assert visible == [[3, 4, 10], [7, 20]]

"""Word edit distances and alignments of tercom: exact, but for what its beam drops.

The bit-parallel algorithm is that of Myers (1999) in the form of Hyyrö (2003), with one bit for each reference word.
A column of the table of costs, one for each output word, is held as its vertical differences: the cost at a reference
position minus that at the position before it is -1, 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

_BEAM = 20
_DROPPED = 1 << 20
"""The cost of a cell outside the beam: more than that of any path."""
IntArray = npt.NDArray[np.int64]
Edit = Literal["match", "substitution", "extra", "missing"]
"""What happens to a word on the way from output to reference; ``extra`` is of the output, ``missing`` the reference."""


def distances(outputs: Sequence[Sequence[int]], reference: Sequence[int]) -> list[int]:
    """Levenshtein distances of outputs of one length; neither side may be empty.

    Words are numbers: those of the reference are 0, 1, .. and words that it lacks are -1. The outputs are handled at
    once: they lie side by side in one integer, in lanes of whole bytes with at least one bit to spare for the carry.
    """
    width = len(reference) // 8 + 1
    lowest = int.from_bytes((b"\1" + bytes(width - 1)) * len(outputs), "little")  # the lowest bit of every lane
    every = lowest * ((1 << len(reference)) - 1)
    masks = [mask.to_bytes(width, "little") for mask in _masks(reference)]
    rises, falls = every, 0  # before the first output word each reference word adds a missing word
    for words in zip(*outputs, strict=True):
        equal = int.from_bytes(b"".join([masks[word] for word in words]), "little")
        free, extra = _column(equal, rises, falls, every)
        rises, falls = _differences(free, extra, rises, every, lowest)
    # the cost at the end: that of dropping all output words, plus the differences along the reference
    up, down = (
        np.bitwise_count(np.frombuffer(bits.to_bytes(width * len(outputs), "little"), np.uint8)).reshape(-1, width)
        for bits in (rises, falls)
    )
    costs = len(outputs[0]) + up.sum(axis=1, dtype=np.int64) - down.sum(axis=1, dtype=np.int64)
    return [int(cost) for cost in costs]


def _masks(reference: Sequence[int]) -> list[int]:
    """For each word the bits of its positions; the last, which is also index -1, is for words the reference lacks."""
    masks = [0] * (max(reference) + 2)
    for position, word in enumerate(reference):
        masks[word] |= 1 << position
    return masks


def _column(equal: int, rises: int, falls: int, every: int) -> tuple[int, int]:
    """The next output word: where the diagonal step is free, and where the cost rises by an extra output word.

    ``equal`` has the positions of the word; ``rises`` and ``falls`` are the vertical differences 1 and -1 before it.
    A diagonal step is free at an equal word, below a fall, and (the sum, whose carry runs through a block of rises)
    along the rises that follow an equal word.
    """
    free = ((((equal & rises) + rises) ^ rises) | equal | falls) & every
    extra = falls | (every ^ (free | rises))
    return free, extra


def _differences(free: int, extra: int, rises: int, every: int, lowest: int) -> tuple[int, int]:
    """The vertical differences after the output word, from the horizontal ones shifted by one reference position.

    The first position has a horizontal difference of 1: an output word against an empty reference is extra.
    """
    shifted = (extra << 1) | lowest
    return (((rises & free) << 1) | (every ^ (free | (shifted & every)))) & every, free & shifted


def beam_distance(output: Sequence[int], reference: Sequence[int], exact: int) -> int:
    """The distance within tercom's beam where the exact one is known: it can only be larger, and only above 20."""
    return exact if exact <= _BEAM else int(_table(tuple(output), tuple(reference))[-1][-1])


def align(output: Sequence[int], reference: Sequence[int], distance: int) -> list[Edit]:
    """The edits of a shortest path in tercom's table, in order, where its ``distance`` is known.

    Of equal paths a match or substitution is preferred, then an extra word of the output, then a missing word.
    """
    # A cell that the beam drops costs more than 20, so no shortest path of at most 20 edits leads through one.
    return _align_bits(output, reference) if distance <= _BEAM else _align_table(output, reference)


def _align_bits(output: Sequence[int], reference: Sequence[int]) -> list[Edit]:
    """The alignment without a beam, read back from the columns of the bit-parallel algorithm."""
    every = (1 << len(reference)) - 1
    masks = _masks(reference)
    rises, falls = every, 0
    columns = []
    for word in output:
        equal = masks[word]
        free, extra = _column(equal, rises, falls, every)
        columns.append((equal, free, extra))
        rises, falls = _differences(free, extra, rises, every, 1)
    edits: list[Edit] = []
    j = len(reference)  # reference words before the present cell; the columns are read from the last
    for equal, free, extra in reversed(columns):
        # neither a diagonal step (it is free, but the words differ) nor an extra word leads here: a missing word does
        while j and (free & ~equal & ~extra) >> (j - 1) & 1:
            edits.append("missing")
            j -= 1
        bit = j - 1
        if j and equal >> bit & 1:
            edits.append("match")
            j -= 1
        elif j and not free >> bit & 1:
            edits.append("substitution")
            j -= 1
        else:
            edits.append("extra")
    edits += ["missing"] * j
    return edits[::-1]


def _align_table(output: Sequence[int], reference: Sequence[int]) -> list[Edit]:
    """The alignment within the beam, read back from the table of costs."""
    table = [row.tolist() for row in _table(tuple(output), tuple(reference))]
    edits: list[Edit] = []
    i, j = len(output), len(reference)
    while i or j:
        cost = table[i][j]
        match = i > 0 and j > 0 and output[i - 1] == reference[j - 1]
        if i and j and table[i - 1][j - 1] + (not match) == cost:
            edits.append("match" if match else "substitution")
            i, j = i - 1, j - 1
        elif i and table[i - 1][j] + 1 == cost:
            edits.append("extra")
            i -= 1
        else:
            edits.append("missing")
            j -= 1
    return edits[::-1]


@lru_cache(maxsize=64)  # the distance after a shift comes first, then the alignment of the shift that was taken
def _table(output: tuple[int, ...], reference: tuple[int, ...]) -> list[IntArray]:
    """Costs after each output word (rows) at each reference position, ``(len(reference) + 1,)`` each.

    Before the next output word is taken, cells that cost more than 20 above the cheapest cell reached by a match or a
    substitution are dropped: tercom's beam, which can lose the shortest path of texts of very different lengths.
    """
    words = np.array(reference)
    differs = {word: (words != word).astype(np.int64) for word in set(output)}
    positions = np.arange(len(reference) + 1)
    row = positions  # before the first output word: all reference words so far are missing
    table = [row]
    for number, word in enumerate(output, start=1):
        # 1. a match or substitution, or an extra output word
        diagonal = row[:-1] + differs[word]
        costs = row + 1
        np.minimum(costs[1:], diagonal, out=costs[1:])
        # 2. missing words cost 1 each: the cheapest of all cells to the left plus its distance
        costs -= positions
        np.minimum.accumulate(costs, out=costs)
        costs += positions
        # 3. the beam, but not after the last output word
        if number < len(output):
            costs[costs > np.minimum.reduce(diagonal) + _BEAM] = _DROPPED
        row = costs
        table.append(row)
    return table

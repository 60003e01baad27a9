"""Word edit distances and alignments as tercom finds them: exact, but for what its beam drops."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

_BEAM = 20
_DROPPED = 1 << 20
IntArray = npt.NDArray[np.int64]
Edit = Literal["match", "substitution", "extra", "missing"]


def distances(outputs: Sequence[Sequence[int]], reference: Sequence[int]) -> list[int]:
    """Levenshtein distances of outputs of one length; neither side may be empty.

    Words are numbers: those of the reference are 0, 1, .. and words that it lacks are -1. The algorithm is that of
    Myers in Hyyrö's form (2003), one bit for each reference word, on all outputs at once: they lie side by side in one
    integer, in lanes of whole bytes with at least one bit to spare for the carry.
    """
    width = len(reference) // 8 + 1
    first = int.from_bytes((b"\1" + bytes(width - 1)) * len(outputs), "little")  # the lowest bit of every lane
    everything = first * ((1 << len(reference)) - 1)
    masks = [mask.to_bytes(width, "little") for mask in _masks(reference)]
    up, down = everything, 0  # where the cost rises or falls from a reference position to the next
    for words in zip(*outputs, strict=True):
        equal = int.from_bytes(b"".join([masks[word] for word in words]), "little")
        same = ((((equal & up) + up) ^ up) | equal | down) & everything
        rise = ((down | (everything ^ (same | up))) << 1) | first
        up = (((up & same) << 1) | (everything ^ (same | (rise & everything)))) & everything
        down = same & rise
    rises, falls = (
        np.bitwise_count(np.frombuffer(bits.to_bytes(width * len(outputs), "little"), np.uint8)).reshape(-1, width)
        for bits in (up, down)
    )
    found: list[int] = (
        len(outputs[0]) + rises.sum(axis=1, dtype=np.int64) - falls.sum(axis=1, dtype=np.int64)
    ).tolist()
    return found


def _masks(reference: Sequence[int]) -> list[int]:
    """For each word the bits of its positions; the last, which is also index -1, is for words the reference lacks."""
    masks = [0] * (max(reference) + 2)
    for position, word in enumerate(reference):
        masks[word] |= 1 << position
    return masks


def beam_distance(output: Sequence[int], reference: Sequence[int], exact: int) -> int:
    """The distance that tercom finds where the exact one is known: it can only be larger, and only above the beam."""
    return exact if exact <= _BEAM else int(_table(tuple(output), tuple(reference))[-1][-1])


def align(output: Sequence[int], reference: Sequence[int], distance: int) -> list[Edit]:
    """The edits of a shortest path in tercom's table, in order, where its ``distance`` is known.

    Of equal ones a match or substitution is preferred, then an extra word of the output, then a missing one.
    """
    # A cell that the beam drops costs more than 20, so no shortest path of at most 20 edits leads through one.
    return _align_bits(output, reference) if distance <= _BEAM else _align_table(output, reference)


def _align_bits(output: Sequence[int], reference: Sequence[int]) -> list[Edit]:
    """Without a beam: one bit for each reference word, as in ``distances``."""
    everything = (1 << len(reference)) - 1
    masks = _masks(reference)
    up, down = everything, 0
    rows = []
    for word in output:
        equal = masks[word]
        # where the cost is that of the cell before both words, and where the output word adds 1 to that without it
        same = ((((equal & up) + up) ^ up) | equal | down) & everything
        extra = down | (everything ^ (same | up))
        rows.append((equal, same, extra))
        rise = (extra << 1) | 1
        up = (((up & same) << 1) | (everything ^ (same | (rise & everything)))) & everything
        down = same & rise
    edits: list[Edit] = []
    j = len(reference)
    for equal, same, extra in reversed(rows):
        while j and (same & ~equal & ~extra) >> (j - 1) & 1:
            edits.append("missing")
            j -= 1
        bit = j - 1
        if j and equal >> bit & 1:
            edits.append("match")
            j -= 1
        elif j and not same >> bit & 1:
            edits.append("substitution")
            j -= 1
        else:
            edits.append("extra")
    edits += ["missing"] * j
    return edits[::-1]


def _align_table(output: Sequence[int], reference: Sequence[int]) -> list[Edit]:
    table = [row.tolist() for row in _table(tuple(output), tuple(reference))]
    edits: list[Edit] = []
    i, j = len(output), len(reference)
    while i or j:
        here = table[i][j]
        same = i > 0 and j > 0 and output[i - 1] == reference[j - 1]
        if i and j and table[i - 1][j - 1] + (not same) == here:
            edits.append("match" if same else "substitution")
            i, j = i - 1, j - 1
        elif i and table[i - 1][j] + 1 == here:
            edits.append("extra")
            i -= 1
        else:
            edits.append("missing")
            j -= 1
    return edits[::-1]


@lru_cache(maxsize=64)  # the distance of a shift that is taken is asked for first, then its alignment
def _table(output: tuple[int, ...], reference: tuple[int, ...]) -> list[IntArray]:
    """Costs after each output word (rows) at each reference position.

    Before the next output word is taken, cells that cost more than 20 above the cheapest one reached by a match or a
    substitution are dropped: tercom's beam, which can lose the shortest path of texts of very different lengths.
    """
    words = np.array(reference)
    differs = {word: (words != word).astype(np.int64) for word in set(output)}
    positions = np.arange(len(reference) + 1)
    row = positions
    table = [row]
    for taken, word in enumerate(output, start=1):
        diagonal = row[:-1] + differs[word]
        new = row + 1
        beside = new[1:]
        np.minimum(beside, diagonal, out=beside)
        # a missing word costs 1: the cheapest of all cells to the left, each with its distance
        new -= positions
        np.minimum.accumulate(new, out=new)
        new += positions
        if taken < len(output):
            new[new > np.minimum.reduce(diagonal) + _BEAM] = _DROPPED
        row = new
        table.append(row)
    return table

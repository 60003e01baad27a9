"""Word edit distances and alignments as tercom finds them: exact, but for what its beam drops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Literal

import numpy as np

_BEAM = 20
_DROPPED = 1 << 20
Edit = Literal["match", "substitution", "extra", "missing"]


def distances(outputs: Sequence[Sequence[int]], reference: Sequence[int]) -> list[int]:
    """Levenshtein distances of outputs of one length; neither side may be empty.

    Words are numbers: those of the reference are 0, 1, .. and words that it lacks are -1. The algorithm is Myers' in
    Hyyrö's form (2003), one bit for each reference word, on all outputs at once.
    """
    last, everything = len(reference) - 1, (1 << len(reference)) - 1
    dtype = np.uint64 if len(reference) <= 64 else object
    # the last mask, which is also index -1, is for words that the reference lacks
    masks = np.zeros(max(reference) + 2, dtype=dtype)
    for position, word in enumerate(reference):
        masks[word] |= 1 << position
    up = np.full(len(outputs), everything, dtype=dtype)  # where the cost rises from a reference position to the next
    down = np.zeros(len(outputs), dtype=dtype)
    rises, falls = down.copy(), down.copy()
    for equal in masks[np.array(outputs).T]:
        level = equal | down
        across = (((equal & up) + up) ^ up) | equal
        rise = down | (everything ^ (across | up))
        fall = up & across
        rises += (rise >> last) & 1
        falls += (fall >> last) & 1
        rise = ((rise << 1) | 1) & everything
        up = ((fall << 1) & everything) | (everything ^ (level | rise))
        down = rise & level
    found: list[int] = (len(reference) + rises.astype(np.int64) - falls.astype(np.int64)).tolist()
    return found


def beam_distance(output: Sequence[int], reference: Sequence[int], exact: int) -> int:
    """The distance that tercom finds where the exact one is known: it can only be larger, and only above the beam."""
    return exact if exact <= _BEAM else _table(output, reference)[-1][-1]


def align(output: Sequence[int], reference: Sequence[int]) -> list[Edit]:
    """The edits of a shortest path, in order.

    Of equal ones a match or substitution is preferred, then an extra word of the output, then a missing one.
    """
    table = _table(output, reference)
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


def _table(output: Sequence[int], reference: Sequence[int]) -> list[list[int]]:
    """Costs after each output word (rows) at each reference position.

    Before the next output word is taken, cells that cost more than 20 above the cheapest one reached by a match or a
    substitution are dropped: tercom's beam, which can lose the shortest path of texts of very different lengths.
    """
    row = list(range(len(reference) + 1))
    table = [row]
    for taken, word in enumerate(output, start=1):
        diagonal = [cost + (word != other) for cost, other in zip(row, reference, strict=False)]
        cost = row[0] + 1
        new = [cost]
        for step, above in zip(diagonal, islice(row, 1, None), strict=True):
            cost += 1
            if step < cost:
                cost = step
            if above + 1 < cost:
                cost = above + 1
            new.append(cost)
        limit = min(diagonal) + _BEAM
        if taken < len(output) and max(new) > limit:
            new = [cost if cost <= limit else _DROPPED for cost in new]
        row = new
        table.append(row)
    return table

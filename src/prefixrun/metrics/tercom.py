"""The number of edits between an output and a reference as tercom 0.7.25 counts it (Snover et al. 2006).

Edits are insertions, deletions, substitutions and shifts of a span of words, each at cost 1. The fewest edits with
shifts cannot be computed in reasonable time, so tercom searches greedily: in each round it tries to move the spans
that the output shares with the reference, takes the shift after which the Levenshtein distance is smallest, and stops
when no shift pays. Which of several equally good shifts it takes decides what the next round can gain. The order and
the limits here are therefore those of its class TERcalc (methods CalcBestShift and GatherAllPossShifts).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from prefixrun.metrics.levenshtein import align, beam_distance, distances

_MAX_SPAN = 10
"""Words of the longest span that is shifted (MAX_SHIFT_SIZE)."""
_MAX_SHIFT = 50
"""Words that a span is shifted over at most (MAX_SHIFT_DIST)."""

Words = tuple[str, ...]
Numbers = tuple[int, ...]
"""A text as numbers: the distinct words of the reference are 0, 1, .., all words that it lacks are -1."""
Occurrences = dict[Numbers, list[int]]
"""Span of words -> the positions in the reference where it starts, ascending."""


class _Shift(NamedTuple):
    """A span of the output and where it goes."""

    start: int
    end: int
    """Position of its last word."""
    behind: int
    """Position of the word in front of the span after the shift; -1 for the beginning of the output."""


class _Alignment(NamedTuple):
    """Which words of output and reference do not match, and the output position aligned with each reference word."""

    wrong_output: list[bool]
    wrong_reference: list[bool]
    output_position: list[int]
    """For a missing word that of the output word before it, -1 at the beginning."""


@lru_cache(maxsize=65536)
def edits(output: Words, reference: Words) -> int:
    """Shifts, insertions, deletions and substitutions from the output to one reference, in lower-case words."""
    if not output or not reference:
        return len(output) + len(reference)
    numbers = {word: number for number, word in enumerate(dict.fromkeys(reference))}
    current = tuple(numbers.get(word, -1) for word in output)
    target = tuple(numbers[word] for word in reference)
    occurrences = _occurrences(target, frozenset(current))
    shifts = 0
    distance = beam_distance(current, target, distances([current], target)[0])
    while distance:
        shifted = _best_shift(current, target, occurrences, distance)
        if shifted is None:
            break
        current, distance = shifted
        shifts += 1
    return shifts + distance


def _occurrences(target: Numbers, vocabulary: frozenset[int]) -> Occurrences:
    """The spans of at most 11 reference words whose words are all in the output's vocabulary."""
    occurrences: Occurrences = {}
    for start in range(len(target)):
        for end in range(start, min(start + _MAX_SPAN + 1, len(target))):
            if target[end] not in vocabulary:
                break
            occurrences.setdefault(target[start : end + 1], []).append(start)
    return occurrences


def _best_shift(
    current: Numbers, target: Numbers, occurrences: Occurrences, distance: int
) -> tuple[Numbers, int] | None:
    """The output after the shift that tercom takes, and its distance to the reference; None if no shift pays."""
    by_length = _candidates(current, target, occurrences, distance)
    lengths = sorted(by_length, reverse=True)
    moved = [_move(current, shift) for length in lengths for shift in by_length[length]]
    if not moved:
        return None
    # the exact distances of all candidates at once, consumed in the order of the search
    exact_distances = iter(distances(moved, target))
    candidates = iter(moved)
    best: tuple[Numbers, int] | None = None
    best_cost = distance  # the distance after the best shift plus 1 for the shift; without a shift the present distance
    for length in lengths:
        for _ in by_length[length]:
            # A shift of n words saves at most 2n edits (n missing and n extra words): shorter spans cannot do better.
            gain = distance - best_cost
            if gain > 2 * length or (best is not None and gain == 2 * length):
                return best
            words, exact = next(candidates), next(exact_distances)
            # The first shift may cost as much as it saves, a later one has to be better than the best so far.
            limit = best_cost - 1 if best is None else best_cost - 2
            if exact > limit:  # the distance within the beam is never smaller
                continue
            after = beam_distance(words, target, exact)
            if after <= limit:
                best, best_cost = (words, after), after + 1
    return best


def _candidates(current: Numbers, target: Numbers, occurrences: Occurrences, distance: int) -> dict[int, list[_Shift]]:
    """Span length -> the shifts worth trying, in tercom's order: by start, reference position and destination."""
    alignment = _align(current, target, distance)
    position_of = alignment.output_position
    by_length: defaultdict[int, dict[_Shift, None]] = defaultdict(dict)  # the keys are an ordered set
    for start, word in enumerate(current):
        # 1. The word occurs in the reference, aligned with another position that is near enough.
        if not any(
            position_of[p] != start and -_MAX_SHIFT - 1 <= position_of[p] - start <= _MAX_SHIFT
            for p in occurrences.get((word,), ())
        ):
            continue
        for end in range(start, min(start + _MAX_SPAN, len(current))):
            # 2. The span occurs in the reference: otherwise no longer one does.
            positions = occurrences.get(current[start : end + 1])
            if positions is None:
                break
            # 3. A span without a wrong word stays where it is, a longer one may have one.
            if not any(alignment.wrong_output[start : end + 1]):
                continue
            # 4. An occurrence counts if it is aligned outside the span and near enough.
            positions = [
                p for p in positions if not start <= position_of[p] <= end and abs(position_of[p] - start) <= _MAX_SHIFT
            ]
            if not positions:
                break
            # 5. The shift can only pay if a word is wrong on the side of the reference too.
            length = end - start + 1
            for p in positions:
                if any(alignment.wrong_reference[p : p + length]):
                    shifts = (_Shift(start, end, to) for to in _destinations(start, p, length, position_of))
                    by_length[length].update(dict.fromkeys(shifts))
    return {length: list(shifts) for length, shifts in by_length.items()}


def _destinations(start: int, position: int, length: int, output_position: Sequence[int]) -> list[int]:
    """Behind the output words aligned with the reference word before ``position`` and with each word of the span."""
    destinations = []
    for offset in range(-1, length):
        if offset == -1 and position == 0:
            destinations.append(-1)
            continue
        behind = output_position[position + offset]
        if behind != start and (offset == 0 or behind != output_position[position]):
            destinations.append(behind)
    return destinations


def _align(current: Numbers, target: Numbers, distance: int) -> _Alignment:
    """The alignment of a shortest path, where its ``distance`` is known."""
    wrong_output, wrong_reference = [True] * len(current), [True] * len(target)
    output_position: list[int] = []
    position = -1  # of the last output word that the path has passed
    for edit in align(current, target, distance):
        if edit != "missing":
            position += 1
        if edit == "match":
            wrong_output[position] = wrong_reference[len(output_position)] = False
        if edit != "extra":
            output_position.append(position)
    return _Alignment(wrong_output, wrong_reference, output_position)


def _move(words: Numbers, shift: _Shift) -> Numbers:
    """The words after the shift; a destination inside the span moves it to the right by that many words."""
    start, end, behind = shift
    span, rest = words[start : end + 1], words[:start] + words[end + 1 :]
    if behind < start:
        index = behind + 1
    elif behind > end:
        index = behind + 1 - len(span)  # the span itself is no longer in front
    else:
        index = behind
    return rest[:index] + span + rest[index:]

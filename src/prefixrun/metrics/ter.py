"""TER (Snover et al. 2006) with exactly the search of tercom 0.7.25, the scorer of WebNLG 2017 and DART.

sacrebleu's TER is neither equal (it caps the candidate shifts and has another beam) nor fast. Edits are insertions,
deletions, substitutions and shifts of a span of words, each at cost 1; words are compared without case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from prefixrun.metrics.base import FloatArray, Metric, Prepared, References, own, signature
from prefixrun.metrics.levenshtein import align, beam_distance, distances
from prefixrun.metrics.preparation import Preparation

_MAX_SPAN = 10
_MAX_DISTANCE = 50
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ter(Metric):
    """Edits to the nearest reference over the mean reference length, both summed over segments; a fraction.

    Empty references are left out, but for the first.
    """

    preparation: Preparation

    @property
    def names(self) -> tuple[str, ...]:
        return ("TER",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("edits", "mean_reference_length")

    def prepare(self, references: References) -> Prepared:
        segments = []
        for texts in self.preparation.references(references):
            first, *others = map(_words, texts)
            segments.append((first, *(words for words in others if words)))
        return _PreparedTer(self.preparation, segments)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        edits, length = (float(total) for total in totals)
        return {"TER": edits / length if length else float(edits > 0)}

    def signature(self, name: str, references: References) -> str:
        return signature(references, "case:lc", f"tok:{self.preparation.name}", "search:tercom-0.7.25", own("ter"))


@dataclass(frozen=True, slots=True)
class _PreparedTer(Prepared):
    preparation: Preparation
    segments: list[tuple[Words, ...]]

    def count(self, hypotheses: Sequence[str]) -> FloatArray:
        rows = np.zeros((len(self.segments), 2))
        for row, text, references in zip(rows, hypotheses, self.segments, strict=True):
            row[0] = _fewest_edits(_words(self.preparation.output(text)), references)
            row[1] = sum(map(len, references)) / len(references)
        return rows


def _words(text: str) -> Words:
    return tuple(text.lower().split())


def _fewest_edits(output: Words, references: tuple[Words, ...]) -> int:
    """Edits to the nearest reference; references that cannot be nearer are not searched."""
    bounds = sorted((_least(output, reference), reference) for reference in references)
    best = edits(output, bounds[0][1])
    for least, reference in bounds[1:]:
        if least >= best:
            break
        best = min(best, edits(output, reference))
    return best


def _least(output: Words, reference: Words) -> int:
    """Edits that no order of the words can save."""
    return max(len(output), len(reference)) - (Counter(output) & Counter(reference)).total()


@lru_cache(maxsize=65536)
def edits(output: Words, reference: Words) -> int:
    """Shifts, insertions, deletions and substitutions that tercom counts from the output to one reference."""
    if not output or not reference:
        return len(output) + len(reference)
    numbers = {word: number for number, word in enumerate(dict.fromkeys(reference))}
    current = tuple(numbers.get(word, -1) for word in output)  # words that the reference lacks are all alike
    target = tuple(numbers[word] for word in reference)
    places = _places(target, frozenset(current))
    shifts = 0
    distance = beam_distance(current, target, distances([current], target)[0])
    while distance:
        best = _best_shift(current, target, places, distance)
        if best is None:
            break
        current, distance = best
        shifts += 1
    return shifts + distance


Numbers = tuple[int, ...]
Places = dict[Numbers, list[int]]


def _places(target: Numbers, known: frozenset[int]) -> Places:
    """Where each span of at most 11 reference words, all of which the output has, starts in the reference."""
    places: Places = {}
    for start in range(len(target)):
        for end in range(start, min(start + _MAX_SPAN + 1, len(target))):
            if target[end] not in known:
                break
            places.setdefault(target[start : end + 1], []).append(start)
    return places


def _best_shift(current: Numbers, target: Numbers, places: Places, distance: int) -> tuple[Numbers, int] | None:
    """The output after the shift that tercom takes, and its distance; None if no shift pays."""
    by_length = _candidates(current, target, places, distance)
    lengths = sorted(by_length, reverse=True)
    moved = [_move(current, *shift) for length in lengths for shift in by_length[length]]
    if not moved:
        return None
    after = iter(zip(moved, distances(moved, target), strict=True))
    best: tuple[Numbers, int] | None = None
    best_cost = distance  # of the best shift so far and what remains after it
    for length in lengths:
        for _ in by_length[length]:
            gain = distance - best_cost
            if gain > 2 * length or (best is not None and gain == 2 * length):
                return best
            words, exact = next(after)
            enough = best_cost - 1 if best is None else best_cost - 2
            if exact > enough:
                continue
            rest = beam_distance(words, target, exact)
            if rest <= enough:
                best, best_cost = (words, rest), rest + 1
    return best


def _candidates(
    current: Numbers, target: Numbers, places: Places, distance: int
) -> dict[int, list[tuple[int, int, int]]]:
    """By span length, the shifts worth trying in tercom's order: (start, end, destination), the end included.

    A destination is the position of the word in front of the moved span, -1 for the front of the output.
    """
    wrong_output, wrong_target, aligned = _errors(current, target, distance)
    by_length: dict[int, dict[tuple[int, int, int], None]] = {}
    for start, word in enumerate(current):
        here = places.get((word,))
        if here is None or not any(
            -_MAX_DISTANCE - 1 <= aligned[p] - start <= _MAX_DISTANCE for p in here if aligned[p] != start
        ):
            continue
        for end in range(start, min(start + _MAX_SPAN, len(current))):
            found = places.get(current[start : end + 1])
            if found is None:
                break
            if not any(wrong_output[start : end + 1]):
                continue
            acceptable = [
                p for p in found if not start <= aligned[p] <= end and abs(aligned[p] - start) <= _MAX_DISTANCE
            ]
            if not acceptable:
                break
            length = end - start + 1
            for p in acceptable:
                if any(wrong_target[p : p + length]):
                    shifts = by_length.setdefault(length, {})
                    shifts.update(dict.fromkeys((start, end, to) for to in _destinations(start, p, length, aligned)))
    return {length: list(shifts) for length, shifts in by_length.items()}


def _destinations(start: int, place: int, length: int, aligned: Sequence[int]) -> list[int]:
    """Behind each output word that is aligned with the word before or a word of the span's place in the reference."""
    found = []
    for offset in range(-1, length):
        if offset == -1 and place == 0:
            found.append(-1)
            continue
        behind = aligned[place + offset]
        if behind != start and (offset == 0 or behind != aligned[place]):
            found.append(behind)
    return found


def _errors(current: Numbers, target: Numbers, distance: int) -> tuple[list[bool], list[bool], list[int]]:
    """Which output and which reference words are wrong, and the output position aligned with each reference word."""
    wrong_output, wrong_target = [True] * len(current), [True] * len(target)
    aligned: list[int] = []
    position = -1
    for kind in align(current, target, distance):
        if kind != "missing":
            position += 1
        if kind == "match":
            wrong_output[position] = wrong_target[len(aligned)] = False
        if kind != "extra":
            aligned.append(position)
    return wrong_output, wrong_target, aligned


def _move(words: Numbers, start: int, end: int, destination: int) -> Numbers:
    """The words after ``start..end`` has moved behind ``destination``; a destination inside moves it to the right."""
    span, rest = words[start : end + 1], words[:start] + words[end + 1 :]
    if destination < start:
        at = destination + 1
    elif destination > end:
        at = destination + 1 - len(span)
    else:
        at = destination
    return rest[:at] + span + rest[at:]

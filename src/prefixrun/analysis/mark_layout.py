"""Where marks and the texts beside them stand in a panel, so that none covers another.

Positions and sizes are shares of the panel; `panel` is its width in those of a usual one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import hypot

MARK = 0.045
"""Width and height of a mark; marks that are closer than this stand side by side."""

_CHARACTER, _LINE = 0.018, 0.036
"""Width and height of a character of a text beside a mark."""

_AMBIGUOUS = 0.01
"""What a text costs that is nearer to another mark than to its own, as an area."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

SIDES = (
    ("left", "bottom"),
    ("left", "top"),
    ("right", "bottom"),
    ("right", "top"),
    ("center", "bottom"),
    ("center", "top"),
)
"""Where a text can stand: which of its edges is at the mark, in the order of preference."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark with the ends of its interval, which are its own height where it has none."""

    x: float
    y: float
    low: float
    high: float


def apart(marks: Sequence[Placed], panel: float = 1.0) -> list[float]:
    """How far each mark is moved to the side so that no mark covers another and no interval another one.

    Marks that are too close to another one stand side by side around their middle, in the order of x.
    """
    clusters = [[index] for index in sorted(range(len(marks)), key=lambda i: (marks[i].x, marks[i].y))]
    while True:
        moved = _side_by_side(marks, clusters, panel)
        meeting = next(
            (
                (first, second)
                for first, second in combinations(clusters, 2)
                if any(
                    abs(marks[i].x + moved[i] - marks[j].x - moved[j]) < _distance(marks[i], marks[j], panel) - 1e-9
                    for i in first
                    for j in second
                )
            ),
            None,
        )
        if meeting is None:
            return moved
        merged = sorted((*meeting[0], *meeting[1]), key=lambda i: (marks[i].x, marks[i].y))
        clusters = [cluster for cluster in clusters if cluster not in meeting] + [merged]


def _side_by_side(marks: Sequence[Placed], clusters: Sequence[Sequence[int]], panel: float) -> list[float]:
    """How far each mark is moved when those of a cluster stand around their middle."""
    moved = [0.0] * len(marks)
    for cluster in clusters:
        steps = [_distance(marks[i], marks[j], panel) or MARK / panel / 2 for i, j in pairwise(cluster)]
        middle = sum(marks[i].x for i in cluster) / len(cluster)
        for position, index in enumerate(cluster):
            if len(cluster) > 1:
                moved[index] = middle + sum(steps[:position]) - sum(steps) / 2 - marks[index].x
    return moved


def _distance(mark: Placed, other: Placed, panel: float) -> float:
    """Horizontal distance that two marks need: a mark's width, or half of it where only their intervals meet."""
    if abs(mark.y - other.y) < MARK:
        return MARK / panel
    return MARK / panel / 2 if mark.low < other.high and other.low < mark.high else 0.0


def around(mark: Placed, moved_by: float = 0.0, panel: float = 1.0) -> Box:
    """What a mark with its interval covers."""
    half = MARK / panel / 2
    return (mark.x + moved_by - half, mark.low - MARK / 2, mark.x + moved_by + half, mark.high + MARK / 2)


def text_sides(
    texts: Sequence[tuple[float, float, str]], covered: Sequence[Box], panel: float = 1.0
) -> list[tuple[str, str]]:
    """For each text (x and y of its mark, text) the side of SIDES where it covers least of marks and of other texts.

    A side where the mark of another text is nearer than its own is taken only where all others are worse.
    """
    taken, chosen = list(covered), []
    for x, y, text in texts:
        boxes = [_text_box(x, y, len(text), side, panel) for side in SIDES]
        costs = [sum(_common(box, other) for other in (*taken, *_outside(box))) for box in boxes]
        others = [(other_x, other_y) for other_x, other_y, _ in texts if (other_x, other_y) != (x, y)]
        costs = [
            cost + _AMBIGUOUS * any(_gap(box, other) <= _gap(box, (x, y)) for other in others)
            for cost, box in zip(costs, boxes, strict=True)
        ]
        best = min(range(len(SIDES)), key=lambda i: (round(costs[i], 6), i))
        taken.append(boxes[best])
        chosen.append(SIDES[best])
    return chosen


def _text_box(x: float, y: float, length: int, side: tuple[str, str], panel: float) -> Box:
    wide, gap = _CHARACTER * length / panel, MARK / 2
    left = {"left": x + gap / panel, "right": x - gap / panel - wide, "center": x - wide / 2}[side[0]]
    bottom = y + gap if side[1] == "bottom" else y - gap - _LINE
    return (left, bottom, left + wide, bottom + _LINE)


def _gap(box: Box, mark: tuple[float, float]) -> float:
    """The distance of a box and the middle of a mark."""
    across = max(box[0] - mark[0], mark[0] - box[2], 0.0)
    up = max(box[1] - mark[1], mark[1] - box[3], 0.0)
    return hypot(across, up)


def _outside(box: Box) -> tuple[Box, ...]:
    """What lies beyond the sides of the panel."""
    return ((-1.0, box[1], 0.0, box[3]), (1.0, box[1], 2.0, box[3]))


def _common(box: Box, other: Box) -> float:
    """The area of what two boxes share."""
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, wide) * max(0.0, high)

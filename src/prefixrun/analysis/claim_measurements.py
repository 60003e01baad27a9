"""Evidence from measurements that are no runs: times in alternating rounds of one process, and mixed batches.

The files are written by scripts/mixed_batch.py and scripts/training_speed.py and lie beside the records of the same
results tree. Times are processor time; a ratio's interval is Student's over rounds, of the logarithms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from pathlib import Path
from typing import Any

from prefixrun.analysis.claim_rules import Evidence
from prefixrun.analysis.comparison import ENOUGH, estimate
from prefixrun.analysis.groups import RunGroup, runs_of
from prefixrun.analysis.verdicts import LOOK_LEVEL, EvidenceOutcome
from prefixrun.errors import DamagedStateError, reading
from prefixrun.files import read_json
from prefixrun.results import display_names

MIXED_BATCH = Path("measurements") / "mixed_batch.json"
TRAINING_SPEED = Path("measurements") / "training_speed.json"
CHANGE = "another machine or size of batch"


def mixed_batches(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Requests of several users decoded in one batch (section 8 of the paper), for each results tree that has it."""
    return (_mixed_batch(path) for path in _measured(groups, MIXED_BATCH))


def step_times(
    groups: Sequence[RunGroup], first: str, second: str, most: float, *, slower_contradicts: bool
) -> Iterator[Evidence]:
    """Whether a training step of the `first` side takes at most `most` times that of the `second`, for each results
    tree that has the measurement.

    slower_contradicts: what takes longer than `most` contradicts the claim, not only what takes longer than the second.
    """
    for path in _measured(groups, TRAINING_SPEED):
        with reading(path, _advice(TRAINING_SPEED), DamagedStateError):
            measured = read_json(path)
            ratio = _ratio(measured["seconds"], first, second)
            model = display_names.of_model(str(measured["model"]))
            size, precision = int(measured["batch_size"]), str(measured["precision"])
        contradicts = ratio.low > (most if slower_contradicts else 1.0)
        outcome: EvidenceOutcome = "holds" if ratio.high <= most else "does not hold" if contradicts else "undecided"
        text = (
            f"{model}, {precision}, batches of {size}: processor time of a training step of {_side(first)} is "
            f"{ratio} that of {_side(second)}, n = {ratio.rounds}"
        )
        yield Evidence("too few runs" if ratio.rounds < ENOUGH else outcome, text, (), CHANGE)


def _mixed_batch(path: Path) -> Evidence:
    with reading(path, _advice(MIXED_BATCH), DamagedStateError):
        measured = read_json(path)
        requests, equal = int(measured["requests"]), int(measured["equal"])
        separate, one_prefix = (_ratio(measured["seconds"], "mixed", name) for name in ("separate", "one_prefix"))
        model = display_names.of_model(str(measured["model"]))
        who = f"{int(measured['prefixes'])} prefixes of {int(measured['prefix_len'])} positions"
    text = (
        f"{model}, {who} in one batch: {equal} of {requests} outputs are those of separate decoding, in "
        f"{separate} the processor time of one request after the other "
        f"({one_prefix.mean:.2f} times that of a batch with one prefix), n = {separate.rounds}"
    )
    outcome: EvidenceOutcome = "holds" if separate.high < 1 else "does not hold" if separate.low > 1 else "undecided"
    if equal < requests:
        outcome = "does not hold"
    elif separate.rounds < ENOUGH:
        outcome = "too few runs"
    return Evidence(outcome, text, (), CHANGE)


def _measured(groups: Sequence[RunGroup], file: Path) -> Iterator[Path]:
    """The file in each results tree of the runs that has it."""
    trees = dict.fromkeys(run.directory.parent.parent for run in runs_of(groups))
    return (tree / file for tree in trees if (tree / file).is_file())


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Of the times of two sides."""

    mean: float
    """Geometric, over the rounds."""
    low: float
    high: float
    """Ends of its interval; the mean itself where there is one round."""
    rounds: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} times [{self.low:.2f}, {self.high:.2f}]"


def _ratio(rounds: Sequence[Mapping[str, Any]], first: str, second: str) -> _Ratio:
    """Of the times of two sides in each round.

    Raises ArithmeticError, LookupError, TypeError or ValueError where these are no times.
    """
    logarithms = estimate([log(float(of_round[first]) / float(of_round[second])) for of_round in rounds])
    half = logarithms.half(LOOK_LEVEL) or 0.0
    mean, low, high = (exp(logarithms.mean + aside) for aside in (0.0, -half, half))
    if not isfinite(high - low):
        raise ValueError(f"the times of {first} and {second} have no ratio")
    return _Ratio(mean, low, high, logarithms.n)


def _side(name: str) -> str:
    method, _, length = name.partition(" ")
    return display_names.of_method(method) + (f" of length {length}" if length else "")


def _advice(file: Path) -> str:
    return f"run scripts/{file.stem}.py again, or delete the file"

"""Evidence from measurements that are no runs: requests of several users decoded in one batch (section 8 of the paper).

The file is written by scripts/mixed_batch.py and lies beside the records of the same results tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

from prefixrun.analysis.claim_rules import Evidence
from prefixrun.analysis.comparison import ENOUGH, Estimate, estimate
from prefixrun.analysis.groups import RunGroup, runs_of
from prefixrun.analysis.verdicts import LOOK_LEVEL, Says
from prefixrun.errors import DamagedStateError, reading
from prefixrun.files import read_json
from prefixrun.results import display_names

FILE = Path("measurements") / "mixed_batch.json"
ADVICE = "run scripts/mixed_batch.py again, or delete the file"


def mixed_batches(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """One piece of evidence for each results tree of the runs that has the measurement."""
    for tree in dict.fromkeys(run.directory.parent.parent for run in runs_of(groups)):
        if (tree / FILE).is_file():
            yield read(tree / FILE)


def read(path: Path) -> Evidence:
    """What a measurement says. Raises DamagedStateError when it is not one."""
    with reading(path, ADVICE, DamagedStateError):
        measured = read_json(path)
        requests, equal = int(measured["requests"]), int(measured["equal"])
        separate, one_prefix = (_ratio(measured["seconds"], name) for name in ("separate", "one_prefix"))
        model = display_names.of_model(str(measured["model"]))
        who = f"{int(measured['prefixes'])} prefixes of {int(measured['prefix_len'])} positions"
    half = separate.half(LOOK_LEVEL) or 0.0
    low, high = exp(separate.mean - half), exp(separate.mean + half)
    text = (
        f"{model}, {who} in one batch: {equal} of {requests} outputs are those of separate decoding, in "
        f"{exp(separate.mean):.2f} times [{low:.2f}, {high:.2f}] the processor time of one request after the other "
        f"({exp(one_prefix.mean):.2f} times that of a batch with one prefix), n = {separate.n}"
    )
    return Evidence(_outcome(equal == requests, separate.n, low, high), text, (), "another machine or size of batch")


def _ratio(rounds: Sequence[dict[str, Any]], name: str) -> Estimate:
    """Of the logarithms of the ratio of times in each round."""
    return estimate([log(float(each["mixed"]) / float(each[name])) for each in rounds])


def _outcome(is_equal: bool, rounds: int, low: float, high: float) -> Says:
    if not is_equal:
        return "does not hold"
    if rounds < ENOUGH:
        return "too few runs"
    return "holds" if high < 1 else "does not hold" if low > 1 else "undecided"

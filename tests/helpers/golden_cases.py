"""The cases of tests/golden/cases: texts of our own writing, and what the official programs gave for them."""

import json
from dataclasses import dataclass
from functools import cache

from checkout import ROOT
from scoring import References, Texts

HERE = ROOT / "tests" / "golden"


COUNTED = {"webnlg": 3, "dart": 3}
"""References of an input that the scripts of WebNLG and DART read."""


@dataclass(frozen=True)
class Case:
    task: str
    outputs: Texts
    references: References
    """Those that the task's script reads."""
    scores: dict[str, float]
    """On the scale of the official program."""
    prepared: list[tuple[str, Texts]]
    """Output and references as the official preparation has them; empty for XSUM."""
    statistics: list[str]
    """METEOR's answer for each output; empty for XSUM."""


@cache
def read(name: str) -> Case:
    case = json.loads((HERE / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    inputs = case["inputs"]
    prepared = [entry["prepared"] for entry in inputs if "prepared" in entry]
    references = [entry["references"] for entry in inputs]
    return Case(
        case["task"],
        [entry["output"] for entry in inputs],
        [texts[: COUNTED.get(case["task"])] for texts in references],
        {score: entry["value"] for score, entry in case["scores"].items()},
        [(entry["output"], entry["references"]) for entry in prepared],
        [entry["meteor"] for entry in inputs if "meteor" in entry],
    )


CASES = sorted(path.stem for path in (HERE / "cases").glob("*.json"))
PREPARED = [name for name in CASES if read(name).prepared]
RECORDED = [(name, score) for name in CASES for score in read(name).scores]

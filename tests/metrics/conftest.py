"""The reference cases: texts, and the values that the official programs gave for them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from prefixrun.errors import MissingPartError
from prefixrun.metrics import suite
from prefixrun.metrics.base import prepared

Texts = Sequence[str]
ScoreOne = Callable[[str, str, Texts, Sequence[Sequence[str]]], float]


@dataclass(frozen=True)
class Case:
    name: str
    task: str
    hypotheses: list[str]
    references: list[list[str]]
    official: dict[str, float | None]


@pytest.fixture(scope="session")
def read_lines() -> Callable[[Path], list[str]]:
    """Lines that end at the line feed alone: the texts hold other line separators."""
    return lambda path: path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


@pytest.fixture(scope="session")
def read_case(goldens: Path, read_lines: Callable[[Path], list[str]]) -> Callable[[str], Case]:
    def read(name: str) -> Case:
        golden = json.loads((goldens / name / "golden.json").read_text(encoding="utf-8"))
        return Case(
            name=name,
            task=golden["task"],
            hypotheses=read_lines(goldens / name / "hyp.txt"),
            references=json.loads((goldens / name / "refs.json").read_text(encoding="utf-8")),
            official={metric: values["value"] for metric, values in golden["metrics"].items()},
        )

    return read


@pytest.fixture(scope="session")
def score_one() -> ScoreOne:
    """One score of a task without running its other metrics; skips where an optional part is missing."""

    def score(task: str, name: str, hypotheses: Texts, references: Sequence[Sequence[str]]) -> float:
        metric = next(metric for metric in suite(task).metrics if name in metric.names)
        try:
            counts = prepared(metric, tuple(map(tuple, references))).count(hypotheses)
        except MissingPartError as missing:
            pytest.skip(str(missing))
        assert np.isfinite(counts).all()
        assert counts.shape == (len(hypotheses), len(metric.columns))
        return metric.aggregate(counts.sum(axis=0))[name]

    return score

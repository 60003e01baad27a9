"""The reference cases: texts, and the values that the official programs gave for them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


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

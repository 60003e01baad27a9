"""What sets two finished runs apart, and why a score is not compared; `prefixrun diff` shows it."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.results.diff import diff, other_corpus
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record

OTHER_FILE = {"test": {"version": "synthetic", "files": [{"name": "test", "records": 1, "sha256": "2" * 64}]}}


def two(results: Path, **second: Any) -> tuple[Record, Record]:
    """A run, and one of another seed with other arguments for write_record."""
    first = write_record(results, settings={"seed": 1})
    settings = {"seed": 2, **second.pop("settings", {})}
    write_record(results, settings=settings, **second)
    records = sorted(load_records(results).runs, key=lambda record: record.directory != first)
    return records[0], records[1]


@pytest.mark.parametrize(
    ("second", "reason", "shared"),
    [
        ({}, "", 60),
        ({"inputs": 30}, "", 30),
        ({"settings": {"task.name": "dart"}}, "e2e test (release) and dart test (release) are different inputs", 0),
        ({"data_source": "sample"}, "e2e test (release) and e2e test (sample) are different inputs", 0),
        (
            {"settings": {"task.reference_columns": "r2"}},
            "task.reference_columns: the references of e2e test (release) are not the same",
            0,
        ),
        ({"result": {"data": OTHER_FILE}}, "the two copies of e2e test (release) have different contents", 0),
    ],
)
def test_runs_share_the_inputs_of_one_corpus(tmp_path: Path, second: dict[str, Any], reason: str, shared: int) -> None:
    runs = two(tmp_path, **second)
    assert other_corpus(*runs) == reason
    assert len(diff(*runs, samples=2).shared) == shared


def score(value: float | None, signature: str, reason: str | None = None) -> dict[str, Any]:
    return {"scores": {"BLEU": {"value": value, "signature": signature, "reason": reason}}}


@pytest.mark.parametrize(
    ("second", "why_not"),
    [
        ({}, ""),
        ({"result": score(1.0, "other:2")}, "different signatures: synthetic:1 and other:2"),
        ({"result": score(None, "synthetic:1", "no Java")}, "run ID: no Java"),
        ({"with_stats": False}, "run ID: no stats.parquet"),
        ({"data_source": "sample"}, "no shared inputs"),
    ],
)
def test_a_score_is_compared_or_says_why_not(tmp_path: Path, second: dict[str, Any], why_not: str) -> None:
    first, other = two(tmp_path, **second)
    (change,) = [each for each in diff(first, other, samples=2).scores if each.name == "BLEU"]
    assert change.why_not == why_not.replace("ID", other.run_id)
    assert (change.difference is None) is bool(why_not)


def test_only_what_differs_is_listed(tmp_path: Path) -> None:
    first, second = two(tmp_path, settings={"train.lr": 5e-5}, stored=7)
    found = diff(first, second, samples=2)
    assert [(each.key, each.first, each.second) for each in found.settings] == [
        ("seed", 1, 2),
        ("train.lr", 1e-3, 5e-5),
    ]
    assert [each.key for each in found.costs if each.key.startswith("parameters")] == [
        "parameters.stored",
        "parameters.trained",
    ]
    assert (found.contents, found.environment, found.whole) == ((), (), True)

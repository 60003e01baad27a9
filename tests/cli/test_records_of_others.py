"""Records that others made, or that are damaged or closed: left out with the reason, and the others are shown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from closed_paths import unreadable
from prefixrun.cli.main import main
from spoiled_results import NESTED, REMOVED, spoiled
from synthetic_records import write_record

WRONG: Sequence[tuple[str, Any]] = [
    ("provenance", []),
    ("costs.train_seconds", 1e308),
    ("data.train", {"files": [1]}),
    ("task", "\x1b[31m"),
    ("run_id", "another"),
    ("scores.BLEU.value", "50"),
    ("settings.train.lr", "fast"),
    ("schema_version", REMOVED),
    ("note", NESTED),
]
"""Dotted place → a value that no run writes there, one of each kind; tests/runs/test_result_schema.py has more."""

RAW = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 5000, b'{"a": 1' + b"0" * 5000 + b"}"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A record and a run that are right."""
    write_record(tmp_path / "results", settings={"seed": 1})
    write_record(tmp_path / "results", settings={"seed": 2}, folder="runs")
    return tmp_path / "results"


OF_ALL = (
    ["ls", "sort=id"],
    ["tables", "out=published"],
    ["report", "out=report.html"],
    ["keep", "run=all", "into=kept"],
)
"""The verbs that read every run."""


def shown_of_all(tree: Path, capsys: pytest.CaptureFixture[str], runs: int, left_out: int) -> None:
    """Every verb that reads them all shows `runs` and leaves `left_out` out."""
    for words in OF_ALL:
        assert main([*words, f"results_dir={tree}"]) == 0, words
        captured = capsys.readouterr()
        everything = captured.out + captured.err
        expected = left_out if words[0] != "keep" else everything.count("left out: ")
        assert everything.count("left out: ") == expected, (words, everything[-2000:])
        assert max(map(len, captured.err.splitlines()), default=0) < 1000
        if words[0] == "ls":
            assert f"\n{runs} run{'s' * (runs > 1)}\n" in captured.out


def test_values_that_no_run_writes(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for seed, (place, value) in enumerate(WRONG, start=100):
        directory = write_record(tree, settings={"seed": seed}, folder="records" if seed % 2 else "runs")
        path = directory / "result.json"
        path.write_text(json.dumps(spoiled(json.loads(path.read_text()), place, value)))
        names.append(directory.name)
    shown_of_all(tree, capsys, 2, len(WRONG))
    for (place, value), name in zip(WRONG, names, strict=True):
        wrong = name.rpartition("-")[2]
        for words in (["diff", wrong, "e2e"], ["verify", wrong], ["generate", f"run={wrong}", "text=a"]):
            assert main([*words, f"results_dir={tree}"]) in (3, 5), (place, value, words)
            message = capsys.readouterr().err
            assert message.startswith("prefixrun: ")
            assert message.count("\n") == 1


def test_bytes_that_are_no_result(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, data in enumerate(RAW, start=100):
        (write_record(tree, settings={"seed": seed}, folder="runs") / "result.json").write_bytes(data)
    shown_of_all(tree, capsys, 2, len(RAW))


COUNTS = {
    "nan": ("BLEU.matches1", np.nan),
    "infinite": ("BLEU.matches1", np.inf),
    "negative": ("BLEU.matches1", -1.0),
    "huge": ("BLEU.matches1", 1e300),
    "null": ("BLEU.matches1", None),
    "text": ("BLEU.matches1", "many"),
    "same id": ("id", "test-00000"),
    "no segments": ("ROUGE_L.segments", 0.0),
    "no column": ("BLEU.matches1", REMOVED),
    "no ids": ("id", REMOVED),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_that_no_scorer_makes(tree: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    directory = write_record(tree, settings={"seed": 100}, folder="runs")
    column, value = COUNTS[name]
    counts = pd.read_parquet(directory / "stats.parquet")
    if value is REMOVED:
        counts = counts.drop(columns=column)
    else:
        counts[column] = value
    counts.to_parquet(directory / "stats.parquet", index=False)
    for words in OF_ALL[1:]:
        assert main([*words, f"results_dir={tree}"]) == 0, words
        captured = capsys.readouterr()
        assert (captured.out + captured.err).count("left out: ") == 1, words
    other = next((tree / "records").iterdir()).name
    assert main(["diff", directory.name[-12:], other[-12:], f"results_dir={tree}"]) == 5
    assert main(["verify", directory.name[-12:], "regenerate=0", f"results_dir={tree}"]) == 5


GENERATIONS = [
    {"id": "test-00000", "source": "a", "references": ["b"]},
    {"id": "test-00000", "source": "a", "output": 1, "references": ["b"]},
    {"id": "test-00000", "source": "a", "output": None, "references": ["b"]},
    {"id": 1, "source": "a", "output": "x", "references": ["b"]},
    {"source": "a", "output": "x", "references": ["b"]},
    {"id": "test-00000", "source": "a", "output": "x", "references": "b"},
    {"id": "test-00000", "source": "a", "output": "x", "references": [1]},
    {"id": "test-00000", "source": None, "output": "x", "references": ["b"]},
    ["test-00000"],
]


@pytest.mark.parametrize("line", GENERATIONS)
def test_outputs_of_another_form(tree: Path, capsys: pytest.CaptureFixture[str], line: Any) -> None:
    directory = write_record(tree, settings={"seed": 100}, folder="runs", inputs=1)
    (directory / "generations.jsonl").write_text(json.dumps(line) + "\n")
    for words in OF_ALL:
        assert main([*words, f"results_dir={tree}"]) == 0, words
    assert "generations.jsonl:1: " in capsys.readouterr().err
    assert main(["verify", directory.name[-12:], "regenerate=0", f"results_dir={tree}"]) == 5
    assert main(["keep", f"run={directory.name[-12:]}", f"results_dir={tree}", "into=kept"]) == 5


@pytest.mark.parametrize("name", ["", "result.json", "stats.parquet", "generations.jsonl"])
def test_what_may_not_be_read_hides_nothing_else(tree: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    closed = write_record(tree, settings={"seed": 100}, folder="runs")
    with unreadable(closed / name):
        for words in OF_ALL:
            assert main([*words, f"results_dir={tree}"]) == 0, words
            captured = capsys.readouterr()
            if name != "generations.jsonl" or words[0] == "keep":
                assert (captured.out + captured.err).count("left out: ") == 1, words
        for words in (["verify", "regenerate=0"], ["diff", next((tree / "records").iterdir()).name[-12:]]):
            words.insert(1, closed.name[-12:])
            assert main([*words, f"results_dir={tree}"]) in (3, 5), words
            captured = capsys.readouterr()
            assert "Permission denied" in captured.out + captured.err
        for words in (["generate", "text=a"], ["export", "out=x"]) if name != "generations.jsonl" else ():
            assert main([*words, f"run={closed.name[-12:]}", f"results_dir={tree}"]) in (3, 5), words
            assert capsys.readouterr().err.count("\n") == 1

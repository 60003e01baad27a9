"""What runs were made with, equal things in one row."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.html.provenance import Provenance, machine
from prefixrun.results.records import load_records
from synthetic_records import write_record


def provenance(results: Path) -> Provenance:
    return Provenance(load_records(results).runs)


def test_equal_environments_models_and_files_are_one_row_with_their_runs(tmp_path: Path) -> None:
    for seed in range(3):
        write_record(tmp_path, settings={"seed": seed})
    environments, models, files, commands = provenance(tmp_path).tables()
    assert [[cell.text for cell in row] for row in environments.rows] == [
        ["1", "3", "–", "0.1.0", "1", "3.11.7", "–", "–"]
    ]
    assert [[cell.text for cell in row] for row in models.rows] == [["none", "3", "1" * 64]]
    assert [[cell.text for cell in row] for row in files.rows] == [
        ["train", "e2e", "train", "synthetic", "1", "3", "0" * 64]
    ]
    assert len(commands.rows) == 3


def test_an_environment_names_its_commit_packages_and_machine(tmp_path: Path) -> None:
    origin: dict[str, Any] = {"semantics": 1, "cpu": "EPYC", "cpu_count": 2, "threads": 1, "command": "c", "time": "t"}
    origin |= {"git": {"commit": "a" * 40, "modified": True}, "packages": {"torch": "2", "numpy": "1"}}
    write_record(tmp_path, result={"provenance": origin})
    (row,) = provenance(tmp_path).tables()[0].rows
    assert [row[at].text for at in (2, 6, 7)] == [
        "a" * 12 + " with changes",
        "EPYC, 2 cores, 1 thread",
        "numpy 1, torch 2",
    ]


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        ({}, ""),
        ({"cpu": "EPYC", "processes": 1}, "EPYC"),
        ({"accelerator": "H100", "processes": 2}, "H100, processes 2"),
    ],
)
def test_a_machine_in_words(origin: dict[str, Any], text: str) -> None:
    assert machine(origin) == text


def test_runs_that_were_scored_in_the_same_way_share_a_table(tmp_path: Path) -> None:
    for seed, way in ((1, "one"), (2, "one"), (3, "other")):
        scores = {
            "BLEU": {"value": 60.0 + seed, "signature": way, "reason": None},
            "METEOR": {"value": None, "signature": "m:1", "reason": "needs <Java>"},
        }
        write_record(tmp_path, settings={"seed": seed}, result={"scores": scores})
    shown = provenance(tmp_path)
    tables = {table.title.partition("(")[2]: table for table in shown.scorings()}
    assert set(tables) == {"2 runs)", "1 run)"}
    assert [[cell.text for cell in row] for row in tables["2 runs)"].rows] == [
        ["BLEU", "one", "–"],
        ["METEOR", "m:1", "needs <Java>"],
    ]
    by_seed = {run.seed: shown.scoring_of(run) for run in load_records(tmp_path).runs}
    assert by_seed[1] == by_seed[2] != by_seed[3]

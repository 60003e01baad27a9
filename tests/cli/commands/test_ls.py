"""prefixrun ls: every run with its state, filters, order, columns, and what cannot be read."""

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from prefixrun.cli.main import main
from prefixrun.runs.run import Run
from synthetic_records import write_record


@pytest.fixture
def tree() -> Path:
    """Three finished runs of E2E, one of WebNLG."""
    results = Path("results")
    write_record(results, settings={"seed": 1, "prefix_len": 5}, quality=0.3)
    write_record(results, settings={"seed": 2, "prefix_len": 10, "train.lr": 5e-5}, quality=0.7, folder="runs")
    write_record(results, settings={"seed": 3, "method.name": "finetune"}, quality=0.5, stored=1_345_150)
    write_record(results, settings={"task.name": "webnlg", "seed": 4})
    return results


def unfinished(results: Path, seed: int) -> Run:
    settings = {"task": {"name": "e2e"}, "model": {"name": "tiny_gpt2"}, "method": {"name": "prefix"}, "seed": seed}
    identity = {"semantics": 1, "settings": {**settings, "init": {"name": "words"}, "prefix_len": 7}}
    return Run(results, task="e2e", method="prefix", model="tiny_gpt2", identity=identity)


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    """The cells of the table without its heading."""
    assert main(["ls", *words]) == 0
    return [line.split() for line in capsys.readouterr().out.partition("\n\n")[0].splitlines()[1:]]


def test_alone_it_shows_the_runs_of_this_machine_and_says_where_the_records_are(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls"]) == 0
    _, run, *closing = filter(None, capsys.readouterr().out.splitlines())
    assert " 10 " in run
    assert closing == ["1 run", "3 committed records: prefixrun ls local=false"]
    assert len(rows(capsys, "local=false")) == 3
    assert len(rows(capsys, "local=true,false")) == 4


def test_a_run_of_this_machine_stays_one_when_it_is_kept(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = (tree / "runs").iterdir()
    shutil.copytree(run, tree / "records" / run.name)
    assert len(rows(capsys)) == 1


def test_alone_it_shows_records_where_there_is_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    write_record(Path("results"), settings={"seed": 1})
    assert len(rows(capsys)) == 1


def test_a_line_for_each_run_with_the_scores_of_its_task(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "sort=task"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = "id task model method size init n_train seed scores state when cost"  # several tasks: one column
    assert " ".join(lines[0].split()) == heading
    assert len(lines) == 7
    assert lines[-1] == "4 runs"
    webnlg = next(line for line in lines if "webnlg" in line)
    assert all(f"BLEU {group} " in webnlg for group in ("all", "seen", "unseen"))
    assert "finished  2026-01-01 00:00" in webnlg
    assert webnlg.endswith("2 min 1 s")


def test_runs_of_one_task_have_a_column_for_each_score(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "task=e2e"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[8:10] == ["BLEU", "ROUGE_L"]
    assert lines[-1] == "3 of 4 runs"
    finetune = next(line.split() for line in lines if "finetune" in line)
    assert finetune[4:8] == ["1", "%", "–", "42061"]


@pytest.mark.parametrize(
    ("filters", "seeds"),
    [
        (["method=prefix"], {"1", "2", "4"}),
        (["train.lr=1e-3"], {"1", "3", "4"}),
        (["train.lr=0.00005"], {"2"}),
        (["seed=2,3"], {"2", "3"}),
        (["init_words=null"], {"1", "2", "3", "4"}),
        (["init=null"], {"3"}),
        (["train.adam_beta1=0.9", "task=webnlg"], {"4"}),  # a default that no run names
        (["parameters.stored=1345150"], {"3"}),
        (["when=2026-01-01 00:00", "task=e2e", "prefix_len=5"], {"1"}),
    ],
)
def test_filters(tree: Path, filters: list[str], seeds: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert {cells[0] for cells in rows(capsys, *filters, "columns=seed,id")} == seeds


@pytest.mark.parametrize(
    ("sort", "seeds"),
    [("prefix_len", "1243"), ("-prefix_len", "2413"), ("-BLEU", "2314"), ("BLEU", "1324"), ("size", "3124")],
)
def test_order_is_numeric_and_runs_without_a_value_come_last(
    tree: Path, sort: str, seeds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "".join(cells[0] for cells in rows(capsys, f"sort={sort}", "columns=seed")) == seeds


def test_a_value_that_a_run_does_not_have_is_a_dash(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = rows(capsys, "sort=seed", "columns=seed,BLEU,BLEU/all,budget")
    assert [cells[1] == "–" for cells in shown] == [False, False, False, True]
    assert [cells[2] == "–" for cells in shown] == [True, True, True, False]
    assert {cells[3] for cells in shown} == {"–"}


def test_a_value_that_no_run_has_is_answered_with_those_there_are(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls", "task=e2e", "method=prefx"]) == 0
    assert capsys.readouterr().out == "0 of 4 runs\nno run has method=prefx; there are finetune, prefix\n"


def test_runs_without_a_result_are_listed_with_their_state(capsys: pytest.CaptureFixture[str]) -> None:
    results = Path("results")
    with unfinished(results, 1).hold():
        pass
    (unfinished(results, 1).directory / "subset.json").write_text('{"train": {"chosen": 50}, "dev": {}}')
    with unfinished(results, 2).hold():
        pass
    failed = unfinished(results, 3)
    with failed.hold():
        failed.fail("no luck\nat all")
    with unfinished(results, 2).hold():
        assert main(["ls", "sort=seed", "columns=seed,state,size,n_train,init,cost,method"]) == 0
        (holder,) = results.glob("runs/*/holder.json")
        started = json.loads(holder.read_text())["started"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["1", "interrupted", "7", "50", "words", "–", "prefix"],
        ["2", "held", "7", "–", "words", "–", "prefix"],
        ["3", "failed", "7", "–", "words", "–", "prefix"],
    ]
    assert lines[5:] == [
        "3 runs",
        f"{unfinished(results, 2).id}: held by process {os.getpid()} on {socket.gethostname()} since {started}",
        f"{failed.id}: no luck at all",
    ]


def test_runs_of_this_machine_come_before_committed_records_the_newest_first(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = {"provenance": {"semantics": 1, "time": "2026-02-01T00:00:00+00:00"}}
    write_record(tree, settings={"seed": 5}, folder="runs", result=newer)
    assert [row[0] for row in rows(capsys, "columns=seed,task")] == ["5", "2", "3", "1", "4"]


def test_a_run_that_was_left_after_its_training_is_trained(capsys: pytest.CaptureFixture[str]) -> None:
    run = unfinished(Path("results"), 1)
    with run.hold():
        pass
    run.costs.write_text("{}")
    assert rows(capsys, "columns=state,seed") == [["trained", "1"]]
    run.generations.write_text("")
    assert rows(capsys, "columns=state,seed") == [["interrupted", "1"]]


def test_what_is_damaged_or_foreign_is_named_with_the_reason(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tree / "runs"
    for name, file, text in (
        ("torn-000000000001", "result.json", '{"schema_version": 1,'),
        ("foreign-000000000002", "config.json", '{"identity": {}, "run_id": "000000000002"}'),
        ("list-000000000003", "config.json", "[]"),
        ("holiday-pictures", "a.jpg", ""),
    ):
        (runs / name).mkdir()
        (runs / name / file).write_text(text)
    with unfinished(tree, 1).hold():
        pass
    (unfinished(tree, 1).directory / "subset.json").write_text("[]")
    assert main(["ls"]) == 0
    shown = capsys.readouterr()
    assert "\n1 run\n" in shown.out
    said = dict(line.removeprefix(f"left out: {runs}/").split(": ", 1) for line in shown.err.splitlines())
    assert "damaged" in said.pop("torn-000000000001")
    assert said == {
        "foreign-000000000002": "config.json is not the configuration of this run",
        "list-000000000003": "config.json is not the configuration of this run",
        "holiday-pictures": "has neither result.json nor config.json: not the directory of a run",
        unfinished(tree, 1).directory.name: "subset.json is not an object",
    }


def test_scores_with_different_signatures_are_said_to_be(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"BLEU": {"value": 1.0, "signature": "other:2", "reason": None}}
    mine = write_record(tree, settings={"seed": 5}, result={"scores": other})
    assert main(["ls", "task=e2e", "columns=id,scores"]) == 0
    assert "BLEU has 2 signatures" in capsys.readouterr().out
    assert main(["ls", "task=e2e"]) == 0
    note = capsys.readouterr().out.splitlines()[-1]
    assert note.startswith("BLEU has 2 signatures, which cannot be compared: other:2 (")
    assert mine.name[-12:] in note
    assert "synthetic:1 (" in note


def test_a_file_for_programs(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "runs" / "odd").mkdir()
    assert main(["ls", "seed=2", "json=runs.json"]) == 0
    written: dict[str, Any] = json.loads(Path("runs.json").read_text())
    (run,) = written["runs"]
    assert (run["seed"], run["train.lr"], run["state"], run["cost"]) == (2, 5e-5, "finished", 121.152)
    assert run["directory"].startswith("runs/e2e-prefix-smollm2_135m-")
    assert run["signatures"]["BLEU"] == "synthetic:1"
    assert written["left_out"] == [
        {"directory": "runs/odd", "reason": "has neither result.json nor config.json: not the directory of a run"}
    ]


def test_a_tree_without_runs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("results").mkdir()
    assert main(["ls", "task=e2e"]) == 0
    assert capsys.readouterr().out == "0 of 0 runs\nno run has task=e2e; there are no runs\n"


def test_a_thousand_runs(capsys: pytest.CaptureFixture[str]) -> None:
    first = write_record(Path("results"), with_stats=False)
    text = (first / "result.json").read_text()
    for number in range(1, 1000):
        copy = first.with_name(f"e2e-prefix-smollm2_135m-{number:012x}")
        copy.mkdir()
        (copy / "result.json").write_text(text.replace(first.name[-12:], copy.name[-12:]))
    assert main(["ls", "sort=-seed", "train.lr=1e-3"]) == 0
    assert "1,000 of 1,000 runs" in capsys.readouterr().out

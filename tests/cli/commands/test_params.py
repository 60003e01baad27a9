"""Parameter counts on the command line."""

import json
from pathlib import Path

import pytest

from prefixrun.cli.main import main

MEDIUM = ("params", "model=gpt2_medium")


def test_one_row_a_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MEDIUM, "prefix_len=1,5"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["model", "method", "size", "trained", "share", "stored", "share", "total"]
    assert [row.split() for row in rows] == [
        ["gpt2_medium", "prefix", "prefix_len=1", "25,740,800", "7.2545", "%", "49,152", "0.0139", "%", "354,823,168"],
        ["gpt2_medium", "prefix", "prefix_len=5", "25,744,896", "7.2557", "%", "245,760", "0.0693", "%", "354,823,168"],
    ]
    assert list(Path.cwd().iterdir()) == []


def test_a_model_among_ones_own_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "conf" / "model" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("name: mine\nsource: random\narchitecture: tiny_gpt2\n")
    assert main(["params", "model=mine,tiny_gpt2", "--config-dir", str(tmp_path / "conf")]) == 0
    mine, tiny = (line.split() for line in capsys.readouterr().out.splitlines()[1:])
    assert (mine[0], mine[1:]) == ("mine", tiny[1:])


def test_a_profile_of_real_corpora_needs_none_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "profile=paper", "task=xsum", "json=counts.json"]) == 0
    (row,) = json.loads(Path("counts.json").read_text())["rows"]
    assert row == {
        "overrides": ["profile=paper", "task=xsum"],
        "reason": None,
        "model": "bart_large",
        "method": "prefix",
        "size": {"prefix_len": 100},
        "budget": None,
        "parameters": {"trained": 61_823_328, "stored": 7_372_800, "total": 406_291_456},
        "trained_percent": pytest.approx(15.2165, abs=1e-4),
        "stored_percent": pytest.approx(1.8147, abs=1e-4),
    }


def test_a_budget_shows_the_size_it_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MEDIUM, "budget=0.1%", "json=counts.json"]) == 0
    assert "prefix_len=7 (budget=0.1%)" in capsys.readouterr().out
    (row,) = json.loads(Path("counts.json").read_text())["rows"]
    assert (row["size"], row["budget"]) == ({"prefix_len": 7}, "0.1%")


def test_what_cannot_be_is_said_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MEDIUM, "prefix_len=5,1024", "json=counts.json"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == (
        "impossible: prefix_len=1024: prefix_len=1024: model=gpt2_medium has 1024 positions for prefix, input and "
        "output together; give a shorter one"
    )
    reasons = [row["reason"] for row in json.loads(Path("counts.json").read_text())["rows"]]
    assert reasons[0] is None
    assert reasons[1].startswith("prefix_len=1024: ")

"""prefixrun keep: what it prints of the records."""

import json
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from synthetic_records import write_record


def runs(results_dir: Path, *seeds: int) -> list[Path]:
    settings = [{"task.name": "webnlg", "seed": seed} for seed in seeds]
    return [write_record(results_dir, folder="runs", settings=each, inputs=6) for each in settings]


def test_the_command_names_the_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, open_run = runs(tmp_path, 1, 2)
    (open_run / "result.json").write_text(json.dumps({"schema_version": 1}))
    assert main(["keep", "run=all", f"results_dir={tmp_path}", f"into={tmp_path / 'there'}"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'there' / 'records' / done.name}\n"
    assert f"left out: {open_run}: result.json: run_id is missing" in said.err
    assert main(["keep", "run=all", f"results_dir={tmp_path}", f"into={tmp_path / 'there'}"]) == 0
    assert capsys.readouterr().out.endswith("  (there before)\n")


def test_a_tree_without_runs_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keep", "run=all", f"results_dir={tmp_path}"]) == 3
    assert "has no finished run; give results_dir=DIR" in capsys.readouterr().err

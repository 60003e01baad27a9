"""prefixrun report, as the command runs it."""

import re
from pathlib import Path

import pytest

from prefixrun.cli import commands
from synthetic_records import write_record


def test_one_file_is_written_beside_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path)
    assert commands.run("report", [f"results_dir={tmp_path}"]) == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert re.fullmatch(r".*report\.html: 1 run, 0\.\d MB\n", capsys.readouterr().out)


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write_record(tmp_path) / "result.json").write_text("{")
    out = tmp_path / "page.html"
    assert commands.run("report", [f"results_dir={tmp_path}", f"out={out}"]) == 0
    assert "left out: e2e-prefix-smollm2_135m-" in capsys.readouterr().out
    assert out.is_file()


@pytest.mark.slow
def test_a_thousand_runs(tmp_path: Path) -> None:
    for seed in range(1000):
        write_record(tmp_path, settings={"seed": seed, "method.name": ("prefix", "finetune")[seed % 2]})
    assert commands.run("report", [f"results_dir={tmp_path}"]) == 0
    assert (tmp_path / "report.html").stat().st_size < 12_000_000

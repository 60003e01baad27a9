"""Finished runs as one table."""

import subprocess
import sys
from pathlib import Path

import pytest

from prefixrun.results.frame import run_frame, run_values
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_a_row_has_settings_fields_sections_and_scores(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"seed": 7, "prefix_len": 5})
    (record,) = load_records(tmp_path).runs
    values = run_values(record)
    assert (values["run_id"], values["task"], values["seed"], values["prefix_len"]) == (record.run_id, "e2e", 7, 5)
    assert (values["train.lr"], values["train.adam_beta1"]) == (1e-3, 0.9)  # named by the run, and a default
    assert values["costs.train_steps"] == 100
    assert values["parameters.total"] == 134_515_008
    assert values["provenance.semantics"] == 1
    assert values["BLEU"] == record.value("BLEU")
    assert values["dev_loss"] == 1.2


def test_the_frame_groups_and_averages_runs(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, settings={"seed": seed, "prefix_len": 5})
    write_record(tmp_path, settings={"seed": 1, "method.name": "finetune"})
    write_record(tmp_path, settings={"seed": 1, "task.name": "webnlg"})
    records = load_records(tmp_path).runs
    frame = run_frame(records)
    assert list(frame.run_id) == [record.run_id for record in records]
    assert frame.groupby("group").size().tolist() == [1, 2, 1]
    means = frame[frame.task == "e2e"].groupby("method")["BLEU"].mean()
    expected = [record.value("BLEU") or 0.0 for record in records if record.task == "e2e" and record.method == "prefix"]
    assert means["prefix"] == pytest.approx(sum(expected) / 2)
    assert frame[frame.method == "finetune"].prefix_len.isna().all()
    assert frame[frame.task == "webnlg"].BLEU.isna().all()
    assert str(frame.seed.dtype) == "Int64"


def test_no_runs_make_an_empty_frame() -> None:
    assert run_frame([]).empty


def test_reading_records_imports_neither_pandas_nor_the_scorers() -> None:
    code = "import sys, prefixrun.results.listing; print(sorted({'pandas', 'sacrebleu', 'torch'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""prefixrun data check and download: states, counts, exit codes, the record."""

import json
import shutil
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.data import SAMPLES, publications
from prefixrun.data.publications import Publication, Source


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory with an own task."""
    for split in ("train", "dev", "test"):
        path = tmp_path / "mine" / f"{split}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"source": f"a : {split}", "references": ["One.", split]}), encoding="utf-8")
    return tmp_path


def test_an_own_task_is_counted(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "task=mine", f"data_dir={own}", f"json={own / 'found.json'}"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "mine/train     own task: 1 input, 2 pairs, no manifest"
    assert printed[-1] == "  mine/test in mine/train: 0 of 1 (0.0 %) inputs, 1 of 2 (50.0 %) texts"
    record = json.loads((own / "found.json").read_text())
    assert [(part["split"], part["inputs"], part["problem"]) for part in record["parts"]] == [
        ("train", 1, None),
        ("dev", 1, None),
        ("test", 1, None),
    ]
    assert record["overlap"][0]["shared_texts"] == 1
    assert str(own) not in json.dumps(record)


def test_a_copy_that_is_not_the_release_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLES / "e2e", tmp_path / "e2e")
    (tmp_path / "e2e" / "devset.csv").unlink()
    assert main(["data", "check", f"data_dir={tmp_path}"]) == 3
    printed = capsys.readouterr().out
    assert "e2e/train      WRONG: e2e/trainset.csv: 320 records with 320 texts, where E2E v1.0.0 has 42,061" in printed
    assert f"e2e/dev        WRONG: {tmp_path}/e2e: holds no devset.csv" in printed
    assert "dart           not there\n" in printed


def test_empty_articles_of_a_copy_with_the_counts_of_the_release_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "xsum").mkdir()
    (tmp_path / "xsum" / "val.source").write_text("\n" + "line\n" * 11_331)
    (tmp_path / "xsum" / "val.target").write_text("line\n" * 11_332)
    assert main(["data", "check", "task=xsum", f"data_dir={tmp_path}", f"json={tmp_path / 'found.json'}"]) == 3
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:3] == [
        "xsum/dev       XSUM: 11,332 inputs, 11,332 pairs, counts right",
        "               kept: 1 empty inputs",
    ]
    parts = json.loads((tmp_path / "found.json").read_text())["parts"]
    assert [part["empty_inputs"] for part in parts] == [0, 1, 0]


def test_a_generated_task_needs_no_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "task=majority"]) == 0
    assert "majority/test  generated: 400 inputs, 400 pairs, no manifest\n" in capsys.readouterr().out


def test_a_download_says_the_licence_and_checks_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("trainset.csv", "devset.csv", "testset_w_refs.csv")
    sources = tuple(Source(f"https://home/{name}", name) for name in names)
    monkeypatch.setattr(publications, "PUBLICATIONS", {"e2e": Publication("https://home", "CC BY-SA", sources)})
    shutil.copytree(SAMPLES / "e2e", tmp_path / "e2e")
    assert main(["data", "download", "task=e2e", f"data_dir={tmp_path}"]) == 3
    printed = capsys.readouterr().out
    assert printed.startswith("e2e: https://home, licence: CC BY-SA\ntrainset.csv: there already\n")
    assert "e2e/test       WRONG: e2e/testset_w_refs.csv: 192 records" in printed
    assert printed.endswith(f"delete what is wrong in {tmp_path}/e2e and run the same command again\n")


@pytest.mark.shared
def test_the_release_is_found_whole(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "task=webnlg", f"data_dir={shared / 'data'}"]) == 0
    printed = capsys.readouterr().out
    assert "webnlg/train   WebNLG challenge 2017 (XML): 6,935 inputs, 18,025 pairs, checksum right\n" in printed
    assert "left out: 77 texts marked toFix\n" in printed
    assert "  webnlg/test in webnlg/train: 10 of 1,862 (0.5 %) inputs, 18 of 4,888 (0.4 %) texts\n" in printed


def test_help_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "--help"]) == 0
    assert capsys.readouterr().out.startswith("prefixrun data check data_dir=DIR")

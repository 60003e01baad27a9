"""Later scores of the committed records are those of their outputs."""

from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun.errors import DataError
from prefixrun.results.later_scores import LATER
from prefixrun.results.records import load_records
from prefixrun.results.score_later import add_later_scores
from synthetic_records import write_record

CORPORA = ROOT.parent / "shared" / "data"
WEBNLG = [each for each in load_records(ROOT / "results", ("records",)).runs if each.task == "webnlg"]


def test_every_committed_record_of_webnlg_has_them() -> None:
    assert WEBNLG
    for record in WEBNLG:
        assert record.value("ADDED/unseen") is not None, "run python scripts/later_scores.py DATA_DIR"


@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the corpora")
def test_they_are_computed_from_the_outputs_and_the_release(tmp_path: Path) -> None:
    committed = WEBNLG[0].directory
    copy = tmp_path / "records" / committed.name
    copy.mkdir(parents=True)
    for path in committed.iterdir():
        if path.name != LATER:
            (copy / path.name).write_bytes(path.read_bytes())
    (record,) = load_records(tmp_path).runs
    written = add_later_scores(record, CORPORA)
    assert written == copy / LATER
    assert written.read_bytes() == (committed / LATER).read_bytes()


def test_other_tasks_have_none_and_another_corpus_is_refused(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"task.name": "e2e"})
    write_record(tmp_path, settings={"task.name": "webnlg"})
    e2e, webnlg = load_records(tmp_path).runs
    assert add_later_scores(e2e, tmp_path) is None
    with pytest.raises(DataError, match="webnlg"):
        add_later_scores(webnlg, tmp_path / "nowhere")

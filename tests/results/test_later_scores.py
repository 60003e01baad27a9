"""Scores that a record got after its run."""

import json
from pathlib import Path

import pytest

from prefixrun.analysis.comparison import difference
from prefixrun.errors import DamagedStateError
from prefixrun.files import digest
from prefixrun.results.later_scores import LATER, read_later_scores
from prefixrun.results.record import OUTPUTS, Record
from prefixrun.results.records import load_records, with_usable_counts
from synthetic_records import write_record


def write(tree: Path, seed: int, added: list[int], method: str = "prefix", outputs: str | None = None) -> Path:
    settings = {"task.name": "webnlg", "method.name": method, "seed": seed}
    directory = write_record(tree, settings=settings, inputs=len(added))
    content = {
        "outputs": outputs or digest(directory / OUTPUTS),
        "scores": {
            "ADDED/unseen": {"value": 100 * sum(added[::2]) / len(added[::2]), "signature": "s", "reason": None}
        },
        "counts": {"ADDED.inputs": [1] * len(added), "ADDED.names": added},
    }
    (directory / LATER).write_text(json.dumps(content), encoding="utf-8")
    return directory


def record(directory: Path) -> Record:
    return next(each for each in load_records(directory.parent.parent).runs if each.directory == directory)


def test_they_are_read_like_the_runs_own_and_change_none(tmp_path: Path) -> None:
    found = record(write(tmp_path, 1, [1, 0, 3, 0]))
    assert found.value("ADDED/unseen") == 200
    assert found.signature("ADDED/unseen") == "s"
    assert "ADDED/unseen" not in found.result["scores"]
    assert found.value("BLEU/unseen") == found.result["scores"]["BLEU/unseen"]["value"]
    counts = found.stats("ADDED")
    assert counts is not None
    assert counts.columns["ADDED.names"].tolist() == [1, 0, 3, 0]
    assert counts.groups == ("unseen", "seen", "unseen", "seen")
    everything = found.checked_stats()
    assert everything is not None
    assert "ADDED.names" not in everything.columns


def test_their_differences_have_intervals_over_inputs(tmp_path: Path) -> None:
    first, second = (
        record(write(tmp_path / method, 1, added, method))
        for method, added in (("finetune", [1, 0] * 20), ("prefix", [0, 0, 1, 0] * 10))
    )
    found = difference([first], [second], "ADDED/unseen")
    assert found is not None
    assert found.mean == -50
    assert found.low is not None
    assert found.low < -50


def test_scores_of_other_outputs_leave_the_record_out(tmp_path: Path) -> None:
    directory = write(tmp_path, 1, [1, 0], outputs="0" * 64)
    with pytest.raises(DamagedStateError, match=r"other outputs.*run scripts/later_scores\.py again"):
        read_later_scores(directory, OUTPUTS)
    (skipped,) = with_usable_counts(load_records(tmp_path)).skipped
    assert "other outputs" in skipped.reason


@pytest.mark.parametrize("content", ["{}", "[]", "{"])
def test_another_form_is_named(tmp_path: Path, content: str) -> None:
    directory = write(tmp_path, 1, [1, 0])
    (directory / LATER).write_text(content, encoding="utf-8")
    with pytest.raises(DamagedStateError, match=LATER):
        read_later_scores(directory, OUTPUTS)

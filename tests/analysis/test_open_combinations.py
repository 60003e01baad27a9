"""What combinations of prefixes keep of two tasks, by their records."""

from pathlib import Path
from typing import Any

import pytest

from open_records import rows, write
from prefixrun.analysis.open_combinations import combined_prefixes
from prefixrun.analysis.open_questions import answers, page
from prefixrun.results.records import load_records


def test_combinations_keep_a_share_of_what_each_prefix_gains(tmp_path: Path) -> None:
    bleu = {"BLEU": {"value": 40.0, "signature": "s"}, "BLEU/all": {"value": 30.0, "signature": "s"}}
    combined = {"method": "prefix_combined", "method.combine": "average", "scores": bleu}
    for seed in (1, 2):
        for task, other in (("e2e", "webnlg"), ("webnlg", "e2e")):
            for sources, loss in ((task, 1.0), (other, 3.0), ("e2e+webnlg", 1.5), ("e2e+e2e", 1.2)):
                write(tmp_path, loss, seed=seed, **combined, **{"task.name": task, "method.sources": sources})
    found = rows(tmp_path, "Combining")
    assert found["E2E alone"] == ["1.000 ± 0.000", "100", "40.0 ± 0.0", "3.000 ± 0.000", "0", "30.0 ± 0.0"]
    assert found["WebNLG alone"][1::3] == ["0", "100"]
    assert found["E2E + WebNLG, averaged"][:2] == ["1.500 ± 0.000", "75"]
    assert "E2E + E2E, averaged, two seeds" in found


def write_combined(tree: Path, task: str, sources: str | None, loss: float | None, **more: Any) -> None:
    """A combination of the prefixes of some tasks, on a task."""
    score = {"BLEU/all" if task == "webnlg" else "BLEU": {"value": 40.0, "signature": "s"}}
    settings = {"method.combine": "average", "task.name": task, "method.sources": sources, "decode.beams": 1, **more}
    write(tree, loss, method="prefix_combined", scores=score, **settings)


TASKS = ("dart", "e2e", "webnlg")


def test_three_tasks_have_a_table_for_each_two(tmp_path: Path) -> None:
    for task in TASKS:
        for sources in (*TASKS, "dart+e2e", "e2e+webnlg+dart"):
            write_combined(tmp_path, task, sources, 1.0 if sources == task else 2.0)
    parts = page(answers(load_records(tmp_path).runs)).split("\n## Combining: SmolLM2-135M\n")[1:]
    assert [part.count(" alone |") for part in parts] == [2, 2, 2]
    assert ["DART + E2E, averaged" in part for part in parts] == [True, False, False]
    assert "BLEU: of 60 inputs, greedy." in parts[0]


def test_combinations_of_prefixes_of_different_lengths_do_not_share_a_row(tmp_path: Path) -> None:
    for task in ("e2e", "webnlg"):
        for length in (5, 10):
            for sources in ("e2e", "webnlg"):
                write_combined(tmp_path, task, sources, 1.0 + length, prefix_len=length)
            both = {"prefix_len": 2 * length, "method.combine": "concatenate"}
            write_combined(tmp_path, task, "e2e+webnlg", 2.0 + length, **both)
    for length in (5, 10):
        losses = {name: cells[0] for name, cells in rows(tmp_path, f"Combining: SmolLM2-135M, length {length}").items()}
        alone = f"{1 + length}.000"
        expected = {"E2E alone": alone, "WebNLG alone": alone, "E2E + WebNLG, concatenated": f"{2 + length}.000"}
        assert losses == expected


@pytest.mark.parametrize(
    ("sources", "combine", "own", "other", "loss", "cells"),
    [
        ("e2e+webnlg", "average", 2.0, 2.0, 1.5, ["1.500", "–", "40.0"]),
        ("e2e+webnlg", "average", 3.0, 2.0, 1.5, ["1.500", "–", "40.0"]),
        ("e2e+webnlg", "average", None, None, None, ["–", "–", "–"]),
        ("e2e+webnlg", "spherical", 1.0, 2.0, 1.5, ["1.500", "50", "40.0"]),
        (None, "average", 1.0, 2.0, 1.5, None),
    ],
    ids=["equal", "own prefix worse", "no losses", "of a later version", "no sources"],
)
def test_what_a_record_of_a_combination_may_lack(
    tmp_path: Path,
    sources: str | None,
    combine: str,
    own: float | None,
    other: float | None,
    loss: float | None,
    cells: list[str] | None,
) -> None:
    for task in ("e2e", "webnlg"):
        for source in ("e2e", "webnlg"):
            write_combined(tmp_path, task, source, own if source == task else other)
    write_combined(tmp_path, "e2e", sources, loss, **{"method.combine": combine})
    found = rows(tmp_path, "Combining")
    assert {"E2E alone", "WebNLG alone"} <= found.keys()
    combined = [row[:3] for name, row in found.items() if name.startswith("E2E + WebNLG, ")]
    assert combined == ([] if cells is None else [cells])


def test_the_picture_has_a_panel_for_each_task_and_a_row_for_each_combination(tmp_path: Path) -> None:
    for task in ("e2e", "webnlg"):
        for sources in ("e2e", "webnlg"):
            write_combined(tmp_path, task, sources, 1.0 if sources == task else 2.0)
    (answer,) = combined_prefixes(load_records(tmp_path).runs)
    assert answer.picture.name == "open_combine-smollm2_135m-e2e-webnlg"
    assert answer.picture.places == ("E2E alone", "WebNLG alone")
    assert [label for label, _ in answer.picture.panels] == [
        "loss on E2E (nats a token)",
        "loss on WebNLG (nats a token)",
    ]
    assert [series.points for _, (series,) in answer.picture.panels] == [
        ((0, (1.0,)), (1, (2.0,))),
        ((0, (2.0,)), (1, (1.0,))),
    ]


def test_a_prefix_that_was_decoded_twice_counts_once(tmp_path: Path) -> None:
    for task in ("e2e", "webnlg"):
        for sources in ("e2e", "webnlg"):
            for beams in (1, 5):
                for seed in (1, 2):
                    loss = (1.0 if sources == task else 2.0) + seed / 10
                    write_combined(tmp_path, task, sources, loss, seed=seed, **{"decode.beams": beams})
    assert rows(tmp_path, "Combining")["E2E alone"][0] == "1.150 ± 0.071"

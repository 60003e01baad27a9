"""What the tables of open questions say about records."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.open_questions import page
from prefixrun.results.records import load_records
from synthetic_records import write_record


def write(
    tree: Path, loss: float | None, *, method: str = "prefix", seed: int = 1, quality: float = 0.5, **more: Any
) -> None:
    """A run with a development loss; `more`: fields of its training, or dotted settings."""
    training = {key: more.pop(key) for key in ("lengths",) if key in more}
    measured = {} if loss is None else {"dev_loss": loss}
    result: dict[str, Any] = {"training": {"history": [{"step": 100, "train_loss": 1.5, **measured}], **training}}
    result |= {key: more.pop(key) for key in ("scores", "model") if key in more}
    stored = more.pop("stored", 115_200)
    settings = {"method.name": method, "seed": seed, **more}
    write_record(tree, settings=settings, quality=quality, stored=stored, result=result)


def rows(tree: Path, title: str) -> dict[str, list[str]]:
    """First cell → the others of the table below a heading that begins so."""
    text = page(load_records(tree).runs)
    part = text.partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in lines[2:]}


def test_records_of_other_questions_give_no_page(tmp_path: Path) -> None:
    write(tmp_path, 1.3)
    assert page(load_records(tmp_path).runs) == ""


def test_a_nested_training_stands_beside_those_of_its_lengths(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        losses = [{"prefix_len": 1, "dev_loss": 1.45}, {"prefix_len": 40, "dev_loss": 1.35}]
        nested = {"prefix_len": 40, "method.nested": True, "decode.beams": 1}
        write(tmp_path, 1.35, seed=seed, lengths=losses, **nested)
        write(tmp_path, 1.40 + seed / 100, seed=seed, prefix_len=1)
        write(tmp_path, 1.20, seed=seed, prefix_len=1, **{"train.lr": 1.0})  # another training
    write(tmp_path, 1.34, seed=2, prefix_len=40)
    found = rows(tmp_path, "Length without a sweep")
    assert found == {
        "1": ["3", "1.450 ± 0.000", "1.420 ± 0.010", "+0.030 [+0.005, +0.055]"],
        "40": ["1", "1.350", "1.340", "+0.010"],
    }


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
    parts = page(load_records(tmp_path).runs).split("\n## Combining: SmolLM2-135M\n")[1:]
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


def test_records_without_a_description_of_their_training_say_nothing(tmp_path: Path) -> None:
    path = write_record(tmp_path) / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    del result["training"]
    path.write_text(json.dumps(result), encoding="utf-8")
    (record,) = load_records(tmp_path).runs
    assert page([record]) == ""


def test_depths_without_losses_of_equal_seeds_have_no_table(tmp_path: Path) -> None:
    probe = {"model.layers": 10, "model.name": "smollm2_135m_first10"}
    write(tmp_path, None, **probe)
    write(tmp_path, 1.2, method="adapter", seed=2, **probe)
    write(tmp_path, 1.0, method="finetune", seed=3, stored=134_515_008, **probe)
    assert page(load_records(tmp_path).runs) == ""


def test_exact_match_of_methods_on_the_generated_tasks(tmp_path: Path) -> None:
    for task, values in (("sort_letters", (50.0, 60.0)), ("majority", (90.0,))):
        for seed, value in enumerate(values):
            scores = {"EM": {"value": value, "signature": "s"}}
            write(tmp_path, 0.1, seed=seed, scores=scores, **{"task.name": task, "task.metrics": "EM,TER"})
    found = rows(tmp_path, "Enough parameters? Exact match in %: SmolLM2-135M")
    assert list(found.values()) == [["55.0 ± 7.1 (2)", "90.0 (1)"]]


@pytest.mark.parametrize(
    ("seeds", "difference"), [((1,), "+0.300"), ((1, 2), "+0.300 [+0.300, +0.300]")], ids=["one seed", "two seeds"]
)
def test_depths_are_compared_by_the_lowest_loss_of_each_method(
    tmp_path: Path, seeds: tuple[int, ...], difference: str
) -> None:
    for seed in seeds:
        for layers, better in ((None, 0.0), (10, 0.5)):
            probe = {} if layers is None else {"model.layers": layers, "model.name": f"smollm2_135m_first{layers}"}
            write(tmp_path, 1.3 + better, seed=seed, **probe)
            write(tmp_path, 1.4 + better, seed=seed, **probe, **{"train.lr": 1.0})
            write(tmp_path, 1.2 + better, method="adapter", seed=seed, **probe)
            write(tmp_path, 1.0 + better, method="finetune", seed=seed, stored=134_515_008, **probe)
    found = rows(tmp_path, "Scale, a probe of depth: E2E, SmolLM2-135M")
    assert list(found) == ["first 10", "all"]
    assert found["all"][0] == str(len(seeds))
    assert found["all"][-1] == difference
    assert found["first 10"][1].startswith("1.800")

"""What the tables of open questions say about records."""

import json
from pathlib import Path
from typing import Any

import pytest

from open_records import rows, write
from prefixrun.analysis.open_questions import answers, page, pictures
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_records_of_other_questions_give_no_page(tmp_path: Path) -> None:
    write(tmp_path, 1.3)
    assert page(answers(load_records(tmp_path).runs)) == ""


def test_a_nested_training_stands_beside_those_of_its_lengths(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        losses = [{"prefix_len": 1, "dev_loss": 1.45}, {"prefix_len": 40, "dev_loss": 1.35}]
        nested = {"prefix_len": 40, "method.nested": True, "decode.beams": 1}
        write(tmp_path, 1.35, seed=seed, lengths=losses, **nested)
        write(tmp_path, 1.40 + seed / 100, seed=seed, prefix_len=1)
        write(tmp_path, 1.20, seed=seed, prefix_len=1, **{"train.lr": 1.0})  # another training
    write(tmp_path, 1.34, seed=2, prefix_len=40)
    found = rows(tmp_path, "Length without a sweep")
    (picture,) = pictures(answers(load_records(tmp_path).runs))
    assert picture.name == "open_length-e2e-smollm2_135m-40"
    ((_, (nested_series, alone)),) = picture.panels
    assert nested_series.points == ((0, (1.45,) * 3), (1, (1.35,) * 3))
    assert alone.points == ((0, (1.41, 1.42, 1.43)), (1, (1.34,)))
    assert found == {
        "1": ["3", "1.450 ± 0.000", "1.420 ± 0.010", "+0.030 [+0.005, +0.055]"],
        "40": ["1", "1.350", "1.340", "+0.010"],
    }


def test_nested_trainings_that_differ_in_another_setting_have_pictures_of_their_own(tmp_path: Path) -> None:
    for batch_size in (8, 16):
        losses = [{"prefix_len": 1, "dev_loss": 1 / batch_size}]
        write(tmp_path, 1.4, lengths=losses, **{"method.nested": True, "train.batch_size": batch_size})
    names = [picture.name for picture in pictures(answers(load_records(tmp_path).runs))]
    assert len(set(names)) == 2
    assert all(name.startswith("open_length-e2e-smollm2_135m-10-") for name in names)


def test_a_nested_training_whose_record_has_no_rate_is_shown(tmp_path: Path) -> None:
    write(tmp_path, 1.4, lengths=[{"prefix_len": 1, "dev_loss": 1.5}], **{"method.nested": True})
    (path,) = tmp_path.glob("records/*/result.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    del result["settings"]["train"]["lr"]
    path.write_text(json.dumps(result), encoding="utf-8")
    assert "| 1 | 1 | 1.500 |" in page(answers(load_records(tmp_path).runs))


def test_records_without_a_description_of_their_training_say_nothing(tmp_path: Path) -> None:
    path = write_record(tmp_path) / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    del result["training"]
    path.write_text(json.dumps(result), encoding="utf-8")
    (record,) = load_records(tmp_path).runs
    assert page(answers([record])) == ""


def test_depths_without_losses_of_equal_seeds_have_no_table(tmp_path: Path) -> None:
    probe = {"model.layers": 10, "model.name": "smollm2_135m_first10"}
    write(tmp_path, None, **probe)
    write(tmp_path, 1.2, method="adapter", seed=2, **probe)
    write(tmp_path, 1.0, method="finetune", seed=3, stored=134_515_008, **probe)
    assert page(answers(load_records(tmp_path).runs)) == ""


def test_exact_match_of_methods_on_the_generated_tasks(tmp_path: Path) -> None:
    for task, values in (("sort_letters", (50.0, 60.0)), ("majority", (90.0,))):
        for seed, value in enumerate(values):
            scores = {"EM": {"value": value, "signature": "s"}}
            write(tmp_path, 0.1, seed=seed, scores=scores, **{"task.name": task, "task.metrics": "EM,TER"})
    found = rows(tmp_path, "Enough parameters? Exact match in %: SmolLM2-135M")
    assert list(found.values()) == [["55.0 ± 7.1 (2)", "90.0 (1)"]]
    (picture,) = pictures(answers(load_records(tmp_path).runs))
    assert picture.has_rows
    assert [series.points for _, (series,) in picture.panels] == [((0, (50.0, 60.0)),), ((0, (90.0,)),)]


@pytest.mark.parametrize(
    ("second", "number"),
    [({"task.name": "majority", "train.lr": 3e-4}, 2), ({"decode.beams": 1}, 2), ({"task.name": "majority"}, 1)],
)
def test_no_setting_takes_the_row_of_another(tmp_path: Path, second: dict[str, Any], number: int) -> None:
    for value, changes in ((50.0, {}), (90.0, second)):
        settings = {"task.name": "sort_letters", "task.metrics": "EM,TER", **changes}
        write(tmp_path, 0.1, scores={"EM": {"value": value, "signature": "s"}}, **settings)
    found = rows(tmp_path, "Enough parameters? Exact match in %: SmolLM2-135M")
    assert len(found) == number
    assert {"50.0 (1)", "90.0 (1)"} <= {cell for cells in found.values() for cell in cells}


def test_differences_by_depth_are_of_the_seeds_that_all_methods_have(tmp_path: Path) -> None:
    for layers in (None, 10):
        probe = {} if layers is None else {"model.layers": layers, "model.name": f"smollm2_135m_first{layers}"}
        for seed, loss in ((1, 2.0), (2, 2.0), (3, 3.0)):
            write(tmp_path, loss, seed=seed, **probe)
            write(tmp_path, 1.9, method="adapter", seed=seed, **probe)
        for seed in (1, 2):
            write(tmp_path, 1.0, method="finetune", seed=seed, stored=134_515_008, **probe)
    found = rows(tmp_path, "Scale, a probe of depth: E2E, SmolLM2-135M")
    assert [found["all"][0], found["all"][4]] == ["2", "+0.100 [+0.100, +0.100]"]


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
            if layers is None:
                write(tmp_path, 1.1, seed=seed, prefix_len=20)  # another length than that of the probes
            write(tmp_path, 1.2 + better, method="adapter", seed=seed, **probe)
            write(tmp_path, 1.0 + better, method="finetune", seed=seed, stored=134_515_008, **probe)
    found = rows(tmp_path, "Scale, a probe of depth: E2E, SmolLM2-135M")
    assert list(found) == ["first 10", "all"]
    assert found["all"][0] == str(len(seeds))
    assert found["all"][-1] == difference
    assert found["first 10"][1].startswith("1.800")

"""Outputs of two runs for the same inputs."""

from pathlib import Path

from prefixrun.results.output_diff import output_diff
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record


def two_runs(results: Path, *, with_stats: bool = True) -> tuple[Record, Record]:
    for method, quality in (("finetune", 0.3), ("prefix", 0.8)):
        settings = {"method.name": method}
        write_record(results, folder="runs", inputs=6, settings=settings, quality=quality, with_stats=with_stats)
    first, second = load_records(results).runs
    return first, second


def test_changed_outputs_come_in_the_order_of_their_change(tmp_path: Path) -> None:
    first, second = two_runs(tmp_path)
    difference = output_diff(first, second, list(first.outputs()), None)
    assert difference.summary == "outputs: 6 of 6 differ, by the change of ROUGE_L"
    changes = [abs(each.change or 0.0) for each in difference.changed]
    assert changes == sorted(changes, reverse=True)
    assert difference.changed[0].outputs[0].endswith("of finetune.")
    assert difference.changed[0].references
    assert difference.notes == ()


def test_without_counts_they_come_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    first, second = two_runs(tmp_path, with_stats=False)
    ids = list(first.outputs())
    difference = output_diff(first, second, ids, None)
    assert difference.summary == "outputs: 6 of 6 differ"
    assert [each.id for each in difference.changed] == ids
    assert {each.change for each in difference.changed} == {None}
    assert difference.measure is None


def test_equal_outputs_are_not_listed(tmp_path: Path) -> None:
    first, _ = two_runs(tmp_path)
    difference = output_diff(first, first, list(first.outputs()), None)
    assert (difference.summary, difference.changed) == ("outputs: 0 of 6 differ", ())

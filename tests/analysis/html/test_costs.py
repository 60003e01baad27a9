"""Costs by setting."""

from pathlib import Path
from typing import Any

from prefixrun.analysis.html.costs import cost_table
from prefixrun.results.records import load_records
from synthetic_records import write_record

COSTS = {"train_steps": 50, "train_tokens": 1000, "decode_seconds": 30.0, "peak_memory_bytes": None}


def write(results: Path, seed: int, *, stored: int = 100, seconds: float | None = 10.0, **settings: Any) -> None:
    costs = {**COSTS, "train_steps": settings.pop("steps", 50), "train_seconds": seconds}
    write_record(results, settings={"seed": seed, **settings}, stored=stored, result={"costs": costs})


def test_costs_of_other_sizes_formats_or_steps_are_not_put_together(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2)
    write(tmp_path, 3, stored=3000)
    write(tmp_path, 4, precision="bf16")
    write(tmp_path, 5, steps=400)
    table = cost_table(load_records(tmp_path).runs)
    at = [column.label for column in table.columns].index("Runs")
    assert sorted(row[at].text for row in table.rows) == ["1", "1", "1", "2"]


def test_times_of_another_search_or_of_nested_training_are_not_put_together(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2, **{"decode.beams": 1})
    write(tmp_path, 3, **{"decode.beams": 1})
    write(tmp_path, 4, **{"method.nested": True})
    table = cost_table(load_records(tmp_path).runs)
    labels = [column.label for column in table.columns]
    shown = [tuple(row[labels.index(label)].text for label in ("Length", "Search", "Runs")) for row in table.rows]
    assert sorted(shown) == [("10", "beam 5", "1"), ("10", "greedy", "2"), ("10, nested", "beam 5", "1")]


def test_a_row_has_medians_of_what_was_measured(tmp_path: Path) -> None:
    for seed, seconds in enumerate((10.0, 20.0, 90.0, None)):
        write(tmp_path, seed, seconds=seconds)
    table = cost_table(load_records(tmp_path).runs)
    (row,) = table.rows
    shown = {column.label: cell.text for column, cell in zip(table.columns, row, strict=True)}
    names = ("Runs", "Training", "Tokens", "Tokens/s", "Decoding", "Memory", "Machine")
    assert [shown[name] for name in names] == ["4", "20 s", "1,000", "50", "0.5 s", "–", "–"]


def test_what_a_method_adds_to_the_loss_on_plain_text(tmp_path: Path) -> None:
    for seed, after in enumerate((3.5, 3.7, 3.6)):
        forgetting = {"before": 3.25, "after": after, "tokens": 700}
        write_record(tmp_path, settings={"seed": seed}, result={"forgetting": forgetting})
    table = cost_table(load_records(tmp_path).runs)
    at = [column.label for column in table.columns].index("Plain text")
    assert [row[at].text for row in table.rows] == ["+0.350"]


def test_machines_have_letters_that_a_note_explains(tmp_path: Path) -> None:
    for seed, cpu in enumerate(("AMD EPYC", "Intel Xeon")):
        write_record(tmp_path, settings={"seed": seed}, result={"provenance": {"cpu": cpu, "threads": 2}})
    table = cost_table(load_records(tmp_path).runs)
    assert {row[-1].text for row in table.rows} == {"A", "B"}
    (note,) = table.notes[1:]
    assert "AMD EPYC, 2 threads" in note
    assert "Intel Xeon, 2 threads" in note

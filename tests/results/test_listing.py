"""How rows of runs are filtered, ordered and checked; `prefixrun ls` shows them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prefixrun.results.listing import COLUMNS, Listing, RunRow, matching, ordered, run_values, signature_notes
from prefixrun.results.records import load_records
from synthetic_records import write_record


def row(number: int, signature: str = "bleu:1", **values: Any) -> RunRow:
    return RunRow(Path(str(number)), {"id": f"id{number}", **values}, ("BLEU",), {"BLEU": signature})


@pytest.mark.parametrize(
    ("value", "text", "matches"),
    [
        ("e2e", "e2e", True),
        ("e2e", "e2", False),
        ("e2e", "dart,e2e", True),
        ("a,b", "a,b", True),
        (None, "null", True),
        (None, "", False),
        (True, "TRUE", True),
        (False, "0", False),
        (1e-3, "0.001", True),
        (5, "5.0", True),
        (5, "five", False),
    ],
)
def test_a_filter_compares_values_by_their_type(value: Any, text: str, matches: bool) -> None:
    assert bool(matching([row(1, key=value)], {"key": text})) is matches


def test_of_id_and_when_the_beginning_is_enough() -> None:
    rows = [row(1, when="2026-01-01"), row(2, when="2026-02-01")]
    assert matching(rows, {"id": "id", "when": "2026-02"}) == rows[1:]


def test_a_size_is_found_as_it_is_shown() -> None:
    rows = [row(1, size=0.08996), row(2, size=0.0856)]
    assert matching(rows, {"size": "0.09"}) == rows[:1]


@pytest.mark.parametrize(("descending", "order"), [(False, "2413"), (True, "1423")])
def test_numbers_come_by_size_beside_texts_and_what_is_missing_last(descending: bool, order: str) -> None:
    rows = [row(number, key=value) for number, value in ((1, "x"), (2, 2), (3, None), (4, 10.5))]
    assert "".join(each.values["id"][-1] for each in ordered(rows, "key", descending=descending)) == order


def test_scores_of_several_signatures_are_named_with_a_run_of_each() -> None:
    rows = [row(1), row(2, "bleu:2"), row(3, "bleu:2")]
    (note,) = signature_notes(rows, ["BLEU", "TER"])
    assert note == "BLEU has 2 signatures, which cannot be compared: bleu:1 (id1) and bleu:2 (id2)"
    assert signature_notes(rows[1:], ["BLEU"]) == []


def test_keys_that_no_run_can_have_are_named_with_the_nearest() -> None:
    listing = Listing((row(1, **{"train.lr": 1}),), ())
    assert listing.check([*COLUMNS, "train.lr", "data_fraction"]) == []
    (nameless,) = listing.check([""])  # columns=id,,task or sort=-
    assert nameless.startswith("(empty): no run has a key of this name; there are id, task, ")
    assert listing.check(["sed", "zzzzzz"]) == [
        "sed: no run has a key of this name; did you mean seed?",
        f"zzzzzz: no run has a key of this name; there are {', '.join(COLUMNS)}, settings and scores",
    ]


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


def test_reading_records_imports_neither_pandas_nor_the_scorers() -> None:
    code = "import sys, prefixrun.results.listing; print(sorted({'pandas', 'sacrebleu', 'torch'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

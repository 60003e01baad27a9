"""What may be averaged, compared, put in one column, or stand beside the paper's numbers."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.comparability import (
    BEAMS,
    LIMITS,
    XSUM_BEAMS,
    XSUM_LIMITS,
    check_signatures,
    comparison_key,
    have_one_signature,
    is_of_row,
    scope,
    settings_except,
    speaks_of_the_paper,
    training_amount,
    verdict,
)
from prefixrun.analysis.paper_numbers import rows
from prefixrun.config.compose import compose
from prefixrun.data import NOT_OF_THE_PAPER
from prefixrun.errors import DataError
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from prefixrun.runs.result_schema import RELEASE, SAMPLE
from prefixrun.runs.version import SEMANTICS
from synthetic_records import write_record

PAPERS_SETTING: dict[str, Any] = {
    "task": "e2e",
    "model": "gpt2_medium",
    "method": "prefix",
    "prefix_len": 5,
    "data_source": RELEASE,
    "n_train": 42_061,
    "n_train_available": 42_061,
    "n_inputs": 630,
    "n_inputs_available": 630,
}


def test_the_papers_setting_is_comparable_with_the_published_row() -> None:
    judged = verdict(PAPERS_SETTING, rows("e2e"))
    assert judged.text == "undecided (one run; the paper prints no spread between seeds)"
    assert judged.row is not None
    assert judged.row.version == "ACL"
    assert [cell.printed for cell in judged.row.cells] == ["70.3", "8.82", "46.3", "72.1", "2.46"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "smollm2_135m", "data_source": SAMPLE}, "other backbone and corpus"),
        ({"model": "smollm2_135m"}, "other backbone"),
        ({"data_source": SAMPLE}, "other corpus"),
        ({"data_source": "own"}, "other corpus"),
        ({"method": "prefix_flat"}, "the paper has no prefix_flat for this model"),
        ({"n_train": 2_000}, "trained on 2,000 of 42,061 pairs"),
        ({"n_inputs": 60}, "scored on 60 of 630 inputs"),
        ({"settings": {"train": {"max_steps": 100, "batch_size": 16}}}, "saw 1,600 of 42,061 pairs"),
        (
            {"method": "prompt", "n_train": 2_000, "settings": {"train": {"max_steps": 100, "batch_size": 16}}},
            "the paper has no prompt for this model",
        ),
        ({"settings": {"train": {"objective": "distill"}}}, "learnt from a teacher, not from the targets"),
        ({"settings": {"method": {"layers": "1-6"}}}, "enters a part of the model alone"),
        ({"settings": {"method": {"sites": "decoder"}}}, "enters a part of the model alone"),
        ({"settings": {"decode": {"beams": 1}}}, "decoded with beam 1, the paper with 5"),
        ({"settings": {"decode": {"max_new_tokens": 5}}}, "decode.max_new_tokens of 5, the paper's is 100"),
        ({"settings": {"decode": {"repetition_penalty": 1.2}}}, "decode.repetition_penalty of 1.2, the paper's is 1"),
        (
            {"settings": {"decode": {"beams": 1, "sample": True}}},
            "outputs sampled, the paper searches with beam 5",
        ),
        ({"data": {"train": {"version": "unverified"}}}, "corpus files not verified"),
        (
            {"model": "smollm2_135m", "n_train": 2_000, "n_inputs": 60},
            "other backbone; trained on 2,000 of 42,061 pairs; scored on 60 of 630 inputs",
        ),
        ({"data_source": SAMPLE, "n_train": 10, "n_train_available": 400}, "other corpus"),
    ],
)
def test_every_difference_from_the_papers_setting_is_named(change: dict[str, object], reason: str) -> None:
    judged = verdict({**PAPERS_SETTING, **change}, rows("e2e"))
    assert judged.text == f"not comparable ({reason})"
    assert judged.row is None


@pytest.mark.parametrize("task", NOT_OF_THE_PAPER)
def test_a_later_release_or_a_generated_task_does_not_speak_of_the_paper(task: str, tmp_path: Path) -> None:
    write_record(tmp_path / "later", result={"task": task})
    write_record(tmp_path / "paper")
    spoken = {
        name: [speaks_of_the_paper(run) for run in load_records(tmp_path / name).runs] for name in ("later", "paper")
    }
    assert spoken == {"later": [False], "paper": [True]}


def test_the_first_layers_of_a_model_do_not_speak_of_the_paper(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"model.layers": 10})
    assert [speaks_of_the_paper(run) for run in load_records(tmp_path).runs] == [False]


def test_a_task_without_rows_is_not_comparable() -> None:
    judged = verdict(PAPERS_SETTING, rows("my_own_task"))
    assert judged.text == "not comparable (the paper has no results for this task and split)"


@pytest.mark.parametrize(("length", "printed"), [(100, "43.80"), (5, "43.80")])
def test_of_several_shares_the_row_of_the_same_prefix_length_comes_first(length: int, printed: str) -> None:
    run = {**PAPERS_SETTING, "model": "bart_large", "prefix_len": length}
    row = verdict(run, rows("xsum")).row
    assert row is not None
    assert row.cells[0].printed == printed


@pytest.mark.parametrize(
    ("change", "params", "is_of"),
    [
        ({}, "0.1%", True),
        ({"prefix_len": 10}, "0.1%", False),
        ({"model": "gpt2_large"}, "0.1%", False),
        ({"parameters": {"stored": 11_000_000, "total": 354_823_168}}, "0.1%", False),
        ({"method": "adapter", "prefix_len": None}, "0.1%", True),
        ({"method": "adapter", "prefix_len": None}, "3%", False),
        (
            {
                "method": "adapter",
                "prefix_len": None,
                "parameters": {"stored": 11_088_000, "total": 354_823_168},
            },
            "3%",
            True,
        ),
        ({"parameters": {"stored": 0, "total": 354_823_168}}, "0.1%", False),
    ],
)
def test_a_run_belongs_to_the_row_with_its_method_length_and_share(
    change: dict[str, object], params: str, is_of: bool
) -> None:
    result = {**PAPERS_SETTING, "parameters": {"stored": 245_760, "total": 354_823_168}, **change}
    of_method = [row for row in rows("e2e") if row.method == result["method"] and row.params == params]
    (row,) = [row for row in of_method if row.version == "ACL"]
    assert is_of_row(result, row) is is_of


def two(results: Path, settings: dict[str, Any], result: dict[str, Any]) -> list[Record]:
    """The record of a run, and that of one that differs from it."""
    write_record(results, settings={"seed": 1})
    write_record(results, settings={"seed": 2, **settings}, result=result)
    return sorted(load_records(results).runs, key=lambda record: record.seed)


OTHER_FILE = {"test": {"files": [{"name": "test", "records": 1, "sha256": "2" * 64}]}}


@pytest.mark.parametrize(
    ("settings", "result", "same"),
    [
        ({}, {}, {"group", "comparison", "amount", "scope"}),
        ({"method.name": "finetune"}, {}, {"comparison", "amount", "scope"}),
        ({"train.lr": 1e-4}, {}, {"comparison", "amount", "scope"}),
        ({"train_size": 50}, {}, {"comparison", "scope"}),
        ({"train.max_steps": 100}, {}, {"comparison", "scope"}),
        ({"precision": "bf16"}, {}, {"comparison", "scope"}),
        ({"decode.beams": 1}, {}, {"amount", "scope"}),
        ({"train.objective": "distill"}, {}, {"amount", "scope"}),
        ({"task.linearisation": "other"}, {}, {"amount", "scope"}),
        ({"task.instruction": "Say it."}, {}, {"amount", "scope"}),
        ({}, {"backbone": {"sha256": "9" * 64}}, {"amount", "scope"}),
        ({}, {"data": OTHER_FILE}, {"amount", "scope"}),
        ({}, {"provenance": {"semantics": SEMANTICS + 1}}, {"amount", "scope"}),
        ({}, {"data_source": SAMPLE}, {"amount"}),
        ({}, {"split": "dev"}, {"amount"}),
        ({}, {"n_inputs": 30}, {"amount"}),
    ],
)
def test_what_runs_share_decides_where_their_numbers_may_stand(
    tmp_path: Path, settings: dict[str, Any], result: dict[str, Any], same: set[str]
) -> None:
    first, second = two(tmp_path, settings, result)
    keys = {
        "group": lambda record: record.group_key,
        "comparison": comparison_key,
        "amount": training_amount,
        "scope": scope,
    }
    assert {name for name, key in keys.items() if key(first) == key(second)} == same


def test_settings_may_be_left_out_of_what_runs_share(tmp_path: Path) -> None:
    first, second = two(tmp_path, {"prefix_len": 5}, {})
    assert settings_except(first) != settings_except(second)
    assert settings_except(first, "prefix_len") == settings_except(second, "prefix_len")


def test_scores_of_one_column_have_one_signature(tmp_path: Path) -> None:
    other = {"BLEU": {"value": 1.0, "signature": "other:2", "reason": None}}
    runs = two(tmp_path, {}, {"scores": other})
    assert not have_one_signature(runs, "BLEU")
    assert have_one_signature(runs, "ROUGE_L"), "one of them has no such score"
    with pytest.raises(DataError, match=r"BLEU of e2e has 2 signatures.*other:2 \(e2e-prefix.*synthetic:1 \(e2e"):
        check_signatures(runs, ["ROUGE_L", "BLEU"])
    check_signatures(runs, ["ROUGE_L"])


@pytest.mark.parametrize(
    ("name", "beams", "limits"), [("beam5_paper", BEAMS, LIMITS), ("beam6_xsum_paper", XSUM_BEAMS, XSUM_LIMITS)]
)
def test_the_papers_decoding_is_that_of_the_program(name: str, beams: int, limits: dict[str, float]) -> None:
    decode = compose([f"decode={name}"]).decode
    assert (decode.beams, {key: getattr(decode, key) for key in limits}) == (beams, limits)

"""The scores of a sweep's runs: which columns, and means over the runs that differ in their seeds alone."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.config.compose import SweepPoint
from prefixrun.results.record import Record
from prefixrun.sweeps.plan import Job
from prefixrun.sweeps.scores import heading, mean_rows, score_columns, score_texts
from small_run import RESULT


def _job(label: str) -> Job:
    return Job(SweepPoint((), None), label, "finished")


def _record(seed: int, bleu: float | None, loss: float | None = None, **settings: Any) -> Record:
    score = {"value": bleu, "signature": "refs:1"} | ({} if bleu is not None else {"reason": "no outputs"})
    history = [] if loss is None else [{"step": 1, "dev_loss": loss}]
    changes = {"seed": seed, "settings": {"seed": seed, **settings}, "training": {"history": history}}
    return Record(Path("x"), {**RESULT, **changes, "run_id": f"{seed:012d}", "scores": {"BLEU": score}})


def test_columns_are_what_any_run_has() -> None:
    assert score_columns([None]) == ()
    assert score_columns([_record(1, 10.0), None]) == ("BLEU", "ROUGE_L")
    assert score_columns([_record(1, 10.0), _record(2, 11.0, 1.25)]) == ("dev loss", "BLEU", "ROUGE_L")
    assert [heading(name) for name in ("dev loss", "ROUGE_L", "BLEU/all")] == ["dev loss", "ROUGE-L", "BLEU all"]


def test_the_numbers_of_a_run() -> None:
    assert score_texts(_record(1, 10.0, 1.25), ("dev loss", "BLEU", "ROUGE_L")) == ("1.250", "10.00", "–")
    assert score_texts(None, ("BLEU",)) == ("–",)


@pytest.mark.parametrize(
    ("second", "rows"),
    [
        (_record(2, 12.0, 1.35), [("mean of 2 runs: prefix_len=5", ("1.300 ± 0.071", "11.00 ± 1.41"))]),
        (_record(2, None, 1.35), [("mean of 2 runs: prefix_len=5", ("1.300 ± 0.071", "–"))]),
        (_record(2, 12.0, 1.35, prefix_len=9), []),  # another configuration
        (None, []),
    ],
)
def test_means_are_over_runs_that_differ_in_seeds_alone(second: Record | None, rows: list[Any]) -> None:
    jobs = [_job("prefix_len=5 seed=1"), _job("prefix_len=5 seed=2")]
    assert mean_rows(jobs, [_record(1, 10.0, 1.25), second], ("dev loss", "BLEU")) == rows


def test_a_run_with_several_subsample_seeds_that_draw_nothing_is_one() -> None:
    jobs = [_job("subsample_seed=1"), _job("subsample_seed=2")]
    whole = {**RESULT, "n_train_available": RESULT["n_train"], "scores": {"BLEU": {"value": 10.0, "signature": "x"}}}
    records = [Record(Path("x"), {**whole, "settings": {"seed": 1, "subsample_seed": seed}}) for seed in (1, 2)]
    assert mean_rows(jobs, records, ("BLEU",)) == []

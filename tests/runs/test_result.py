"""The content of result.json: whole, without paths of this machine, and with what was left out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefixrun import metrics
from prefixrun.config.compose import compose
from prefixrun.data import Skipped
from prefixrun.runs.identity import find_run
from prefixrun.runs.prepare import PreparedRun, prepare
from prefixrun.runs.result import result_of
from small_run import SMALL

COSTS: dict[str, Any] = {
    "parameters": {"trained": 2, "stored": 1, "total": 3},
    "training": {"seconds": 1.5, "pair_tokens": 7, "positions": 9, "step": 4, "history": [], "fit_error": None},
    "decode_seconds": 0.5,
}
SCORES = {"BLEU": metrics.Score(12.5, "refs:1"), "METEOR": metrics.Score(None, "refs:1", "needs Java")}


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.chdir(tmp_path)
    config = compose(["model=tiny_gpt2", "method=prefix_flat", *(word for word in SMALL if "mid_dim" not in word)])
    prepared, run = prepare(config), find_run(config)
    run.directory.mkdir(parents=True)
    run.manifest.write({run.trained_file.name: b"trained"}, "training")

    def of(change: Callable[[PreparedRun], PreparedRun] = lambda same: same, **costs: Any) -> dict[str, Any]:
        return result_of(run, change(prepared), SCORES, COSTS | costs)

    return of


def test_scores_counts_and_costs(result: Callable[..., dict[str, Any]]) -> None:
    content = result()
    assert content["scores"] == {
        "BLEU": {"value": 12.5, "signature": "refs:1", "reason": None},
        "METEOR": {"value": None, "signature": "refs:1", "reason": "needs Java"},
    }
    assert (content["n_train"], content["n_dev"], content["n_inputs"]) == (8, 4, 3)
    assert content["n_inputs"] < content["n_inputs_available"]
    assert (content["data_source"], content["split"]) == ("sample", "test")
    assert content["costs"]["train_steps"] == 4
    assert result(peak_memory_bytes=1 << 60)["costs"]["peak_memory_bytes"] == 1 << 60
    assert content["trained_file"]["name"] == "prefix.safetensors"
    assert content["provenance"]["processes"] == 1


def test_settings_are_whole_but_for_the_places_of_this_machine(result: Callable[..., dict[str, Any]]) -> None:
    settings = result()["settings"]
    assert {"results_dir", "data_dir"} & set(settings) == set()
    assert settings["train"]["max_steps"] == 4


def test_what_was_left_out_of_a_corpus_is_named(result: Callable[..., dict[str, Any]]) -> None:
    def skipping(prepared: PreparedRun) -> PreparedRun:
        test = replace(prepared.data.test, skipped=(Skipped("no reference", 2),), empty_inputs=1)
        return replace(prepared, data=replace(prepared.data, test=test))

    assert result()["data"]["test"]["skipped"] == []
    assert "empty_inputs" not in result()["data"]["test"]
    test = result(skipping)["data"]["test"]
    assert (test["skipped"], test["empty_inputs"]) == ([{"reason": "no reference", "count": 2}], 1)

"""The first section."""

import json
from pathlib import Path

import pytest

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.overview import interval_note, outcomes, summary_table, totals
from prefixrun.results.records import load_records
from synthetic_records import write_record

COSTS = ("train_seconds", "train_tokens", "train_steps", "decode_seconds", "peak_memory_bytes")


def test_sums_leave_out_what_was_not_measured(tmp_path: Path) -> None:
    for seed, seconds in ((1, 1.5), (2, None), (3, 2.0)):
        costs = dict.fromkeys(COSTS) | {"train_seconds": seconds}
        write_record(tmp_path, settings={"seed": seed}, result={"costs": costs})
    sums = totals(load_records(tmp_path).runs)
    assert (sums.runs, sums.train_seconds, sums.train_tokens) == (3, 3.5, None)
    assert (sums.tasks, sums.models, sums.methods) == (("E2E",), ("SmolLM2-135M",), ("prefix-tuning",))


def losses(loss: float) -> dict[str, object]:
    history = [{"step": 10, "train_loss": 2.0, "dev_loss": loss}]
    return {"training": {"history": history, "fit_error": None}}


def test_a_method_is_a_row_with_the_score_of_its_setting_of_the_lowest_development_loss(tmp_path: Path) -> None:
    for size, quality, loss in ((50, 0.7, 1.9), (500, 0.3, 1.2)):
        for seed in (1, 2):
            settings = {"train_size": size, "seed": seed}
            write_record(tmp_path, settings=settings, quality=quality, result=losses(loss))
    runs = load_records(tmp_path).runs
    groups = run_groups(runs)
    (row,) = summary_table(runs, groups).rows
    (best,) = [each for each in groups if each.n_train == 500]
    found = best.estimate("BLEU")
    assert found is not None
    assert row[2].text == f"BLEU {found.mean:.1f} ± {found.sd:.1f}"
    assert [cell.text for cell in row[3:8]] == ["60 test inputs", "4", "2", "10", "50, 500"]


def test_an_outcome_names_the_best_method_and_prefix_tuning_with_their_intervals(tmp_path: Path) -> None:
    for task, better in (("e2e", "finetune"), ("dart", "prefix")):
        for method in ("prefix", "finetune"):
            quality = 0.8 if method == better else 0.3
            write_record(tmp_path, settings={"task.name": task, "method.name": method}, quality=quality)
    found = {each.task: each for each in outcomes(run_groups(load_records(tmp_path).runs))}
    assert {task: [scored.method for scored in each.shown] for task, each in found.items()} == {
        "DART": ["prefix"],
        "E2E": ["finetune", "prefix"],
    }
    best = found["E2E"].methods[0]
    assert best.low is not None
    assert best.high is not None
    assert best.interval == f"[{best.low:.1f}, {best.high:.1f}]"
    assert best.low < best.mean < best.high
    assert "95 % interval over inputs. One run says nothing" in interval_note(list(found.values()))


def test_methods_are_ranked_on_the_inputs_that_most_of_them_have(tmp_path: Path) -> None:
    for method, inputs in (("prefix", 60), ("finetune", 60), ("prefix", 90)):
        write_record(tmp_path, settings={"method.name": method, "seed": inputs}, inputs=inputs)
    runs = load_records(tmp_path).runs
    (found,) = outcomes(run_groups(runs))
    assert (found.circumstances, len(found.methods)) == ("60 test inputs, 42,061 pairs", 2)
    assert {row[3].text for row in summary_table(runs, run_groups(runs)).rows} == {"60 test inputs"}


def test_methods_are_ranked_after_equal_training(tmp_path: Path) -> None:
    """More training of one method is no lead, and a prompt needs none."""
    for method, steps in (("prefix", 100), ("adapter", 100), ("finetune", 100), ("finetune", 400), ("prompt", None)):
        settings = {"method.name": method, "train.max_steps": steps}
        write_record(tmp_path, settings=settings, quality=0.9 if steps == 400 else 0.5, result=losses(1.2))
    (found,) = outcomes(run_groups(load_records(tmp_path).runs))
    assert found.circumstances == "60 test inputs, 1,600 of 42,061 pairs"
    assert sorted(each.method for each in found.methods) == ["adapter", "finetune", "prefix", "prompt"]
    assert max(each.mean for each in found.methods) < 80


def test_a_model_has_a_column_where_there_are_several(tmp_path: Path) -> None:
    for model in ("smollm2_135m", "gpt2_medium"):
        write_record(tmp_path, settings={"model.name": model})
    runs = load_records(tmp_path).runs
    labels = [column.label for column in summary_table(runs, run_groups(runs)).columns]
    assert "Model" in labels
    assert "Data" not in labels


def test_many_sizes_are_a_range(tmp_path: Path) -> None:
    for length in range(1, 9):
        write_record(tmp_path, settings={"prefix_len": length})
    runs = load_records(tmp_path).runs
    assert summary_table(runs, run_groups(runs)).rows[0][6].text == "1 to 8 (8 sizes)"


def test_scores_without_a_value_have_no_best(tmp_path: Path) -> None:
    write_record(tmp_path, result={"scores": {"BLEU": {"value": None, "signature": "s", "reason": "r"}}})
    runs = load_records(tmp_path).runs
    assert summary_table(runs, run_groups(runs)).rows[0][2].text == "–"
    assert outcomes(run_groups(runs)) == []


def test_a_task_with_several_models_names_them(tmp_path: Path) -> None:
    for layers in (None, 10):
        model = "smollm2_135m" if layers is None else f"smollm2_135m_first{layers}"
        write_record(tmp_path, settings={"model.name": model})
    found = [each.circumstances for each in outcomes(run_groups(load_records(tmp_path).runs))]
    models = sorted(text.partition(", 60 test inputs")[0] for text in found)
    assert models == ["SmolLM2-135M", "SmolLM2-135M, first 10 layers"]


@pytest.mark.parametrize("other", ["decoding", "signature"])
def test_scores_that_may_not_be_compared_are_not_ranked(tmp_path: Path, other: str) -> None:
    write_record(tmp_path)
    settings = {"method.name": "finetune"} | ({"decode.beams": 1} if other == "decoding" else {})
    directory = write_record(tmp_path, settings=settings)
    if other == "signature":
        result = json.loads((directory / "result.json").read_text())
        result["scores"]["BLEU"]["signature"] = "another"
        (directory / "result.json").write_text(json.dumps(result))
    (found,) = outcomes(run_groups(load_records(tmp_path).runs))
    assert len(found.methods) == 1


def test_the_time_of_a_training_that_runs_share_counts_once(tmp_path: Path) -> None:
    costs = dict.fromkeys(COSTS) | {"train_seconds": 60.0}
    write_record(tmp_path, result={"costs": costs})
    training = {"history": [], "fit_error": None, "of_run": "0" * 12}
    write_record(tmp_path, settings={"test_size": 50}, result={"costs": costs, "training": training})
    runs = load_records(tmp_path).runs
    assert [row[-1].value for row in summary_table(runs, run_groups(runs)).rows] == [60.0]


def test_a_score_without_an_interval_is_the_mean_over_subsamples_too(tmp_path: Path) -> None:
    for seed, subsample, value in ((1, 1, 10.0), (2, 1, 10.0), (3, 1, 10.0), (4, 2, 50.0)):
        settings = {"train_size": 50, "seed": seed, "subsample_seed": subsample}
        scores = {"BLEU": {"value": value, "signature": "synthetic:1", "reason": None}}
        write_record(tmp_path, settings=settings, with_stats=False, result={"scores": scores})
    groups = run_groups(load_records(tmp_path).runs)
    (outcome,) = outcomes(groups)
    assert (outcome.methods[0].text, outcome.methods[0].interval) == ("30.0", "")
    estimated = groups[0].estimate("BLEU")
    assert estimated is not None
    assert outcome.methods[0].mean == estimated.mean

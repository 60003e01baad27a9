"""The first section."""

from pathlib import Path

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.overview import best_scores, summary_table, totals
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


def test_a_method_is_a_row_with_its_best_score(tmp_path: Path) -> None:
    for size, quality in ((50, 0.3), (500, 0.7)):
        for seed in (1, 2):
            write_record(tmp_path, settings={"train_size": size, "seed": seed}, quality=quality)
    write_record(tmp_path, settings={"train_size": 1000}, quality=0.95, inputs=10)  # scored on a part: easier
    groups = run_groups(load_records(tmp_path).runs)
    (row,) = summary_table(load_records(tmp_path).runs, groups).rows
    (best,) = [each for each in groups if each.n_train == 500]
    found = best.estimate("BLEU")
    assert found is not None
    assert row[2].text == f"BLEU {found.mean:.1f} ± {found.sd:.1f}"
    assert row[3].text == "60 test inputs"
    assert [cell.text for cell in row[4:8]] == ["5", "3", "10", "50, 500, 1,000"]


def test_the_best_of_each_task_says_which_method_has_it(tmp_path: Path) -> None:
    for task, better in (("e2e", "finetune"), ("dart", "prefix")):
        for method in ("prefix", "finetune"):
            quality = 0.8 if method == better else 0.3
            write_record(tmp_path, settings={"task.name": task, "method.name": method}, quality=quality)
    best = best_scores(run_groups(load_records(tmp_path).runs))
    assert [(title, method) for title, _, method in best] == [
        ("Best on DART, 60 test inputs", "prefix-tuning, of 2 methods"),
        ("Best on E2E, 60 test inputs", "fine-tuning, of 2 methods"),
    ]
    assert all(score.startswith("BLEU ") for _, score, _ in best)


def test_methods_are_ranked_on_the_inputs_that_most_of_them_have(tmp_path: Path) -> None:
    for method, inputs in (("prefix", 60), ("finetune", 60), ("prefix", 90)):
        write_record(tmp_path, settings={"method.name": method, "seed": inputs}, inputs=inputs)
    ((title, _, method),) = best_scores(run_groups(load_records(tmp_path).runs))
    assert title == "Best on E2E, 60 test inputs"
    assert method.endswith("of 2 methods")


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
    assert best_scores(run_groups(runs)) == []

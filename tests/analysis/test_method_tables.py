"""Methods beside each other."""

from pathlib import Path

import pytest

from prefixrun.analysis.group_labels import amount_text
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.method_tables import MethodTable, as_csv, as_texts, method_tables
from prefixrun.analysis.text_table import markdown
from prefixrun.errors import DataError
from prefixrun.results.records import load_records
from synthetic_records import groups_in, write_record, write_runs


def tables(directory: Path) -> list[MethodTable]:
    return method_tables(groups_in(directory))


def test_methods_are_compared_with_prefix_tuning(tmp_path: Path) -> None:
    write_runs(tmp_path, "finetune", 0.3)
    write_runs(tmp_path, "adapter", 0.55)
    write_runs(tmp_path, "prefix", 0.6)
    (table,) = tables(tmp_path)
    assert table.reference.first.method == "prefix"
    assert [row.group.first.method for row in table.rows] == ["prefix", "finetune", "adapter"]
    assert table.rows[0].difference is None
    worse = table.rows[1].difference
    assert worse is not None
    assert worse.mean < -10
    assert [row.corrected is None for row in table.rows] == [True, False, False]
    assert all(
        row.corrected >= row.difference.p_value
        for row in table.rows
        if row.corrected is not None and row.difference is not None and row.difference.p_value is not None
    )


def test_the_reference_is_not_chosen_by_its_score(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.7, seeds=range(3))
    write_runs(tmp_path, "prefix", 0.3, seeds=range(2), prefix_len=5)
    (table,) = tables(tmp_path)
    assert table.reference.first.prefix_len == 5, "that of the paper's table"


def test_tasks_models_corpora_and_sizes_have_their_own_tables(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.5)
    write_runs(tmp_path, "finetune", 0.5, train_size=50)
    write_runs(tmp_path, "finetune", 0.5, **{"task.name": "webnlg"})
    write_runs(tmp_path, "finetune", 0.5, **{"model.name": "gpt2_medium"})
    assert tables(tmp_path) == []


def test_only_equal_amounts_of_training_are_set_against_each_other(tmp_path: Path) -> None:
    """Of part of an epoch; whole ones count as one, as methods have different numbers of them."""
    for method in ("prefix", "finetune"):
        write_runs(tmp_path, method, 0.5)
        write_runs(tmp_path, method, 0.5, **{"train.max_steps": 100})
        write_runs(tmp_path, method, 0.5, **{"train.max_steps": 400, "train.batch_size": 4})
        write_runs(tmp_path, method, 0.5, **{"train.max_steps": 100, "precision": "bf16"})
    write_runs(tmp_path, "adapter", 0.5, **{"train.epochs": 3})
    found = tables(tmp_path)
    assert {amount_text(table.reference): len(table.rows) for table in found} == {
        "42,061 pairs": 3,
        "1,600 of 42,061 pairs": 4,
        "1,600 of 42,061 pairs, bf16": 2,
    }


def test_one_test_more_makes_every_other_weaker(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.6)
    write_runs(tmp_path, "finetune", 0.5)
    (before,) = tables(tmp_path)
    write_runs(tmp_path, "adapter", 0.6)
    (after,) = tables(tmp_path)
    first, second = before.rows[1].corrected, after.rows[1].corrected
    assert first is not None
    assert second is not None
    assert first < second


def test_webnlg_has_its_parts_as_columns(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.6, **{"task.name": "webnlg"})
    write_runs(tmp_path, "finetune", 0.5, **{"task.name": "webnlg"})
    (table,) = tables(tmp_path)
    assert table.metrics == ("BLEU/all", "BLEU/seen", "BLEU/unseen")
    page = markdown(as_texts(table))
    assert "BLEU all minus reference [95 %]" in page
    assert "| reference |" in page


def test_the_loss_on_development_pairs_is_that_of_the_state_that_was_kept(tmp_path: Path) -> None:
    training = {"training": {"history": [{"step": 50, "dev_loss": 1.2}, {"step": 100, "dev_loss": 1.4}]}}
    for keep in ("last", "best"):
        write_record(tmp_path, settings={"train.keep": keep}, result=training)
    found = {group.first.settings["train.keep"]: group.dev_loss for group in run_groups(load_records(tmp_path).runs)}
    assert found == {"last": 1.4, "best": 1.2}


def test_what_methods_add_to_the_loss_on_plain_text_is_a_column_where_runs_measured_it(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.5)
    write_runs(tmp_path, "finetune", 0.5)
    (before,) = tables(tmp_path)
    assert "plain text" not in markdown(as_texts(before))
    for seed in (1, 2):
        forgetting = {"before": 3.25, "after": 3.0 + seed, "tokens": 700}
        write_record(tmp_path, settings={"method.name": "adapter", "seed": seed}, result={"forgetting": forgetting})
    (table,) = tables(tmp_path)
    text = markdown(as_texts(table))
    assert "plain text" in text
    assert [row.group.forgetting for row in table.rows] == [None, None, 1.25]
    assert "| +1.250 |" in text


def test_what_an_interval_does_not_cover_is_said(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.6, seeds=range(1))
    write_runs(tmp_path, "finetune", 0.5, seeds=range(1))
    (table,) = tables(tmp_path)
    assert "Interval of inputs alone: one run says nothing about seeds: every row." in markdown(as_texts(table))


def test_the_csv_has_a_line_for_each_point_and_metric(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.6)
    write_runs(tmp_path, "finetune", 0.5)
    lines = as_csv(tables(tmp_path)).splitlines()
    assert len(lines) == 1 + 2 * 2
    assert all(line.count(",") >= lines[0].count(",") for line in lines)


def test_scores_with_different_signatures_are_refused(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.6)
    other = {"BLEU": {"value": 1.0, "signature": "other:2", "reason": None}}
    write_record(tmp_path, settings={"method.name": "lora"}, result={"scores": other})
    with pytest.raises(DataError, match="2 signatures"):
        tables(tmp_path)


def test_a_score_that_not_all_runs_have_says_of_how_many_it_is(tmp_path: Path) -> None:
    write_runs(tmp_path, "prefix", 0.5)
    write_runs(tmp_path, "finetune", 0.5, seeds=range(2))
    missing = {"BLEU": {"value": None, "signature": "synthetic:1", "reason": "not computed"}}
    write_record(tmp_path, settings={"method.name": "finetune", "seed": 2}, result={"scores": missing})
    (table,) = tables(tmp_path)
    text = as_texts(table)
    column = [each.heading for each in text.columns].index("BLEU")
    prefix, finetune = (row.cells[column] for row in text.rows)
    assert "n =" not in prefix
    assert finetune.endswith(" (n = 2)")


def test_a_task_whose_metrics_are_not_known_here_has_its_scores_without_intervals_over_inputs(tmp_path: Path) -> None:
    """One such record, of a later version or an own task, was an error of all tables."""
    for method, quality in (("prefix", 0.6), ("finetune", 0.5)):
        settings = {"task.name": "sort_letters", "task.metrics": "METRIC_OF_A_LATER_VERSION", "method.name": method}
        for seed in range(3):
            write_record(tmp_path, settings={**settings, "seed": seed}, quality=quality, with_stats=False)
    (table,) = tables(tmp_path)
    (measured,) = [row.difference for row in table.rows if row.difference]
    assert measured.low is not None
    assert measured.note == "of seeds alone: no counts to tell what inputs do"


def test_scores_in_per_cent_have_one_decimal_however_small_they_are(tmp_path: Path) -> None:
    for method, value in (("prefix", 15.33), ("finetune", 0.0)):
        settings = {"task.name": "majority", "task.metrics": "EM", "method.name": method}
        scores = {"EM": {"value": value, "signature": "s", "reason": None}}
        write_record(tmp_path, settings=settings, with_stats=False, result={"scores": scores})
    (table,) = tables(tmp_path)
    text = as_texts(table)
    column = [each.heading for each in text.columns].index("EM")
    assert [row.cells[column] for row in text.rows] == ["15.3", "0.0"]

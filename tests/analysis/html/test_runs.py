"""Every run as a row and as a page of its own."""

import json
from pathlib import Path

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.provenance import Provenance
from prefixrun.analysis.html.runs import RunPage, run_pages, shared_settings, task_tables
from prefixrun.analysis.html.table import HtmlTable
from prefixrun.results.records import load_records
from synthetic_records import write_record


def column(table: HtmlTable, label: str) -> list[str]:
    at = [each.label for each in table.columns].index(label)
    return [row[at].text for row in table.rows]


def tables(results: Path) -> tuple[HtmlTable, HtmlTable]:
    """Settings and runs of the only task."""
    runs = load_records(results).runs
    (of_task,) = task_tables(run_groups(runs), runs)
    return of_task.settings, of_task.runs


def pages(results: Path) -> list[RunPage]:
    runs = load_records(results).runs
    return run_pages(runs, [], Provenance(runs))


def test_a_run_is_a_row_with_a_link_its_setting_and_its_numbers(tmp_path: Path) -> None:
    directory = write_record(tmp_path, settings={"train_size": 50, "seed": 3})
    result = json.loads((directory / "result.json").read_text())
    _, table = tables(tmp_path)
    (row,) = table.rows
    assert (row[0].text, row[0].href) == (result["run_id"], f"#run-{result['run_id']}")
    assert directory.name in row[0].search
    labels = ("Method", "Length", "Init", "Model", "Seed", "Pairs", "BLEU", "Stored", "Memory")
    assert [column(table, label)[0] for label in labels] == [
        *("prefix-tuning", "10", "words", "SmolLM2-135M", "3", "50"),
        f"{result['scores']['BLEU']['value']:.1f}",
        *("115,200", "1.86 GiB"),
    ]
    assert column(table, "Beside the paper") == ["not comparable (other backbone; trained on 50 of 42,061 pairs)"]


def test_a_setting_that_all_runs_share_is_a_detail_and_one_that_differs_filters(tmp_path: Path) -> None:
    for method in ("prefix", "finetune"):
        write_record(tmp_path, settings={"method.name": method})
    columns = {each.label: each for each in tables(tmp_path)[1].columns}
    assert (columns["Method"].detail, columns["Method"].is_filter) == ("", True)
    assert columns["Model"].detail == "always"


def test_runs_that_differ_in_their_seeds_are_one_row_with_their_spread(tmp_path: Path) -> None:
    for seed, quality in ((1, 0.4), (2, 0.7)):
        write_record(tmp_path, settings={"seed": seed}, quality=quality)
    write_record(tmp_path, settings={"train_size": 50})
    table, _ = tables(tmp_path)
    assert column(table, "Runs") == ["2", "1"]
    spread, alone = column(table, "BLEU")
    assert "±" in spread
    assert "±" not in alone
    assert [len(row[-1].runs) for row in table.rows] == [2, 1]


def test_the_page_of_a_run_says_how_it_was_made(tmp_path: Path) -> None:
    directory = write_record(tmp_path, settings={"train_size": 50, "seed": 3}, result={"n_inputs_available": 90})
    (page,) = pages(tmp_path)
    run_id = directory.name.rpartition("-")[2]
    assert page.label == f"prefix 10, words, 50 pairs, seed 3, smollm2_135m, {run_id[:6]}"
    assert dict(page.setting)["Training pairs"] == "50 of 42,061"
    assert dict(page.setting)["Inputs (test)"] == "60 of 90"
    assert "train.lr = 0.001" in page.other_settings
    assert dict(page.costs)["Tokens a second"] == "27"
    assert dict(page.costs)["Stored, of the model"] == "0.086 %"
    assert dict(page.provenance)["Directory"] == f"records/{directory.name}"
    assert page.command == "command not recorded"
    assert (page.scoring, page.outputs) == (1, "")


def test_settings_that_all_runs_share_are_not_repeated_on_every_page(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, settings={"seed": seed})
    shared = shared_settings(load_records(tmp_path).runs)
    assert shared["train.lr"] == 1e-3
    assert "seed" not in shared
    assert [page.other_settings for page in pages(tmp_path)] in (["seed = 1", "seed = 2"], ["seed = 2", "seed = 1"])


def test_a_score_without_a_value_is_shown_as_missing(tmp_path: Path) -> None:
    scores = {"METEOR": {"value": None, "signature": "m:1", "reason": "needs <Java>"}}
    write_record(tmp_path, result={"scores": scores})
    assert pages(tmp_path)[0].scores == (("METEOR", "–"),)


def test_a_page_links_to_the_set_with_its_outputs(tmp_path: Path) -> None:
    write_record(tmp_path)
    runs = load_records(tmp_path).runs
    (page,) = run_pages(runs, [{"name": "e2e-test-release", "outputs": {"0": [1]}}], Provenance(runs))
    assert page.outputs == "e2e-test-release"


def test_every_task_has_its_tables_so_that_scales_do_not_mix(tmp_path: Path) -> None:
    for task in ("e2e", "dart"):
        write_record(tmp_path, settings={"task.name": task})
    runs = load_records(tmp_path).runs
    of_tasks = task_tables(run_groups(runs), runs)
    assert sorted(each.task for each in of_tasks) == ["DART", "E2E"]
    assert all(len(each.runs.rows) == len(each.settings.rows) == 1 for each in of_tasks)
    assert all("–" not in column(each.runs, "BLEU") for each in of_tasks)


def test_pairs_are_those_that_were_seen(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"train.max_steps": 100})
    write_record(tmp_path, settings={"train_size": 50})
    settings, runs = tables(tmp_path)
    assert sorted(column(settings, "Pairs")) == sorted(column(runs, "Pairs")) == ["1,600 of 42,061", "50"]
    facts = {dict(page.setting)["Training pairs"] for page in pages(tmp_path)}
    assert facts == {"1,600 seen, of 42,061", "50 of 42,061"}


def test_settings_of_equal_columns_say_what_tells_them_apart(tmp_path: Path) -> None:
    for rate in (1e-3, 3e-4):
        write_record(tmp_path, settings={"train.lr": rate})
    settings, runs = tables(tmp_path)
    assert (
        sorted(column(settings, "Further settings"))
        == sorted(column(runs, "Further settings"))
        == ["lr=0.0003", "lr=0.001"]
    )

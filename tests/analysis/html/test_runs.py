"""Every run as a row and as a page of its own."""

import json
from pathlib import Path

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.provenance import Provenance
from prefixrun.analysis.html.runs import RunPage, group_table, run_pages, run_table, shared_settings
from prefixrun.analysis.html.table import HtmlTable
from prefixrun.results.records import load_records
from synthetic_records import write_record


def column(table: HtmlTable, label: str) -> list[str]:
    at = [each.label for each in table.columns].index(label)
    return [row[at].text for row in table.rows]


def pages(results: Path) -> list[RunPage]:
    runs = load_records(results).runs
    return run_pages(runs, [], Provenance(runs))


def test_a_run_is_a_row_with_a_link_its_setting_and_its_numbers(tmp_path: Path) -> None:
    directory = write_record(tmp_path, settings={"train_size": 50, "seed": 3})
    result = json.loads((directory / "result.json").read_text())
    table = run_table(load_records(tmp_path).runs)
    (row,) = table.rows
    assert (row[0].text, row[0].href) == (result["run_id"], f"#run-{result['run_id']}")
    assert directory.name in row[0].search
    labels = ("Task", "Method", "Length", "Init", "Model", "Seed", "Pairs", "BLEU", "Stored", "Memory")
    assert [column(table, label)[0] for label in labels] == [
        *("E2E", "prefix", "10", "words", "SmolLM2-135M", "3", "50"),
        f"{result['scores']['BLEU']['value']:.1f}",
        *("115,200", "1.86 GiB"),
    ]
    assert column(table, "Beside the paper") == ["not comparable (other backbone; trained on 50 of 42,061 pairs)"]


def test_a_setting_that_all_runs_share_is_a_detail_and_one_that_differs_filters(tmp_path: Path) -> None:
    for method in ("prefix", "finetune"):
        write_record(tmp_path, settings={"method.name": method})
    columns = {each.label: each for each in run_table(load_records(tmp_path).runs).columns}
    assert (columns["Method"].detail, columns["Method"].is_filter) == ("", True)
    assert columns["Model"].detail == "always"


def test_runs_that_differ_in_their_seeds_are_one_row_with_their_spread(tmp_path: Path) -> None:
    for seed, quality in ((1, 0.4), (2, 0.7)):
        write_record(tmp_path, settings={"seed": seed}, quality=quality)
    write_record(tmp_path, settings={"train_size": 50})
    table = group_table(run_groups(load_records(tmp_path).runs))
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

"""The tables of the page: ours beside the paper's numbers, with their verdicts."""

from pathlib import Path
from typing import Any

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.table import Cell, HtmlTable
from prefixrun.analysis.html.tables import VERDICTS, Tables, tables
from prefixrun.results.records import load_records
from synthetic_records import write_record

PAPERS: dict[str, Any] = {"model.name": "gpt2_medium", "prefix_len": 5}


def shown(results: Path) -> Tables:
    return tables(run_groups(load_records(results).runs))


def rows(table: HtmlTable) -> dict[str, tuple[Cell, ...]]:
    return {row[0].text: row for row in table.rows}


ROUGE = {"ROUGE-L": {"value": 20.0, "signature": "synthetic:1", "reason": None}}


def test_without_runs_both_versions_stand_alone(tmp_path: Path) -> None:
    found = shown(tmp_path)
    assert [(chapter.is_open, len(chapter.tables)) for chapter in found.chapters] == [(True, 7), (False, 7), (True, 0)]
    assert found.verdicts == ()
    (table, *_) = found.chapters[0].tables
    assert table.title == "Table 2: table-to-text generation, E2E"
    assert all(len(row) == len(table.columns) for row in table.rows)
    prefix = rows(table)["GPT-2 Medium, prefix-tuning 0.1%, length 5"]
    assert (prefix[1].text, prefix[2].text, prefix[2].value) == ("paper", "70.3", 70.3)


def test_ours_stand_above_the_papers_with_difference_and_verdict(tmp_path: Path) -> None:
    for seed, quality in ((1, 0.4), (2, 0.7)):
        write_record(tmp_path, settings={**PAPERS, "seed": seed}, quality=quality, stored=245_760)
    found = shown(tmp_path)
    prefix = rows(found.chapters[0].tables[0])["GPT-2 Medium, prefix-tuning 0.1%, length 5"]
    assert (prefix[1].text, len(prefix[1].runs)) == ("2/3 seeds", 2)
    bleu = prefix[2]
    assert bleu.ours
    assert "±" in bleu.text
    assert bleu.below.startswith("paper 70.3, ")
    assert (bleu.kind, bleu.verdict.split(" (")[0]) == ("open", "undecided")
    assert (prefix[3].text, prefix[3].ours) == ("8.82", False)
    assert found.verdicts == (
        ("Table 2: table-to-text generation, E2E", {"undecided": 2}, 0, "Table 2 (E2E)"),
        # repeats the prefix of the main table
        ("Table 5: embedding-only and infix, E2E", {"undecided": 2}, 0, "Table 5 (E2E)"),
    )


def test_another_backbone_stands_below_and_says_why(tmp_path: Path) -> None:
    write_record(tmp_path)
    found = shown(tmp_path)
    (own,) = [row for name, row in rows(found.chapters[0].tables[0]).items() if name.startswith("SmolLM2")]
    assert (own[0].method, own[1].text, own[1].below) == ("prefix", "ours", "")
    assert found.chapters[0].tables[0].notes[0] == "Rows of ours are not comparable with the paper's: other backbone."
    assert (own[2].below, own[2].verdict) == ("", "")
    assert found.verdicts[0][1] == {"not comparable": 2}
    assert set(found.verdicts[0][1]) <= set(VERDICTS)


def test_a_reason_that_not_all_of_our_rows_share_stands_in_its_row(tmp_path: Path) -> None:
    for size in (None, 50):
        write_record(tmp_path, settings={"train_size": size, "seed": size or 0}, data_source="release")
        write_record(tmp_path, settings={"train_size": size, "decode.beams": 1}, data_source="release")
    table = shown(tmp_path).chapters[0].tables[0]
    below = {row[1].below for row in table.rows if row[1].text == "ours"}
    assert below == {"", "decoded with beam 1, the paper with 5"}


def test_scores_that_cannot_share_a_column_are_said_where_the_table_would_be(tmp_path: Path) -> None:
    for seed, way in ((1, "one"), (2, "other")):
        scores = {"BLEU": {"value": 60.0 + seed, "signature": way, "reason": None}}
        write_record(tmp_path, settings={"seed": seed}, result={"scores": scores})
    found = shown(tmp_path)
    assert all("has 2 signatures" in chapter.problem for chapter in found.chapters[:2])
    assert found.verdicts == ()


def test_methods_stand_beside_each_other_and_sort_by_their_numbers(tmp_path: Path) -> None:
    for method in ("prefix", "finetune"):
        write_record(tmp_path, settings={"method.name": method})
    table = shown(tmp_path).chapters[2].tables[0]
    assert table.columns[0].label == "Method"
    stored = [row[2] for row in table.rows]
    assert [cell.value for cell in stored] == [115_200.0, 115_200.0]
    assert table.notes


def test_a_task_with_a_comma_in_its_name_is_named_in_full(tmp_path: Path) -> None:
    write_record(tmp_path, result={"task": "xsum_news_to_sports", "scores": ROUGE})
    assert shown(tmp_path).verdicts[0][3] == "Table 4 (XSUM, news to sports)"

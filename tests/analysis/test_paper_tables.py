"""The paper's tables with our runs beside every number."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.paper_tables import Section, Version, paper_tables
from prefixrun.analysis.table_format import as_csv, as_markdown
from prefixrun.errors import DataError
from prefixrun.results.records import load_records
from synthetic_records import groups_in, write_record

PAPERS: dict[str, Any] = {"model.name": "gpt2_medium", "prefix_len": 5}


def section(directory: Path, table: int = 0, task: str = "e2e", version: Version = "ACL") -> Section:
    tables = paper_tables(groups_in(directory), version)
    (found,) = [each for each in tables[table].sections if each.task == task]
    return found


@pytest.mark.parametrize("version", ["v1", "ACL"])
def test_without_runs_every_row_of_the_paper_stands_alone(tmp_path: Path, version: Version) -> None:
    tables = paper_tables([], version)
    assert [len(table.sections) for table in tables] == [3, 1, 2, 1]
    for table in tables:
        for row in (row for each in table.sections for row in each.rows):
            assert row.paper is not None
            assert row.paper.version == version
            assert row.group is None
        assert "0/3 seeds" in as_markdown(table)


def test_runs_at_the_papers_setting_stand_beside_its_number(tmp_path: Path) -> None:
    for seed, quality in ((1, 0.4), (2, 0.7), (3, 0.5)):
        write_record(tmp_path, settings={**PAPERS, "seed": seed}, quality=quality, stored=245_760)
    rows = [row for row in section(tmp_path).rows if row.group]
    assert [(row.paper.method, row.paper.params) for row in rows if row.paper] == [("prefix", "0.1%")]
    bleu = rows[0].cells[0]
    assert bleu.paper is not None
    assert bleu.ours is not None
    assert (bleu.paper.printed, bleu.ours.n) == ("70.3", 3)
    assert bleu.difference == pytest.approx(bleu.ours.mean - 70.3)
    assert bleu.judgement is not None
    assert bleu.judgement.text.startswith("undecided (about ")
    assert rows[0].cells[1].why_empty == "not among its scores"
    page = as_markdown(paper_tables(groups_in(tmp_path))[0])
    assert "ours, 3 runs" in page
    assert "no value for NIST, METEOR, CIDEr: not among its scores." in page


def test_one_point_stands_beside_a_row_and_others_below(tmp_path: Path) -> None:
    """The setting of the lower development loss, with fewer runs and a lower score."""
    for seed, rate, quality, loss in ((1, 1e-3, 0.9, 1.3), (2, 1e-3, 0.9, 1.3), (1, 5e-5, 0.4, 1.2)):
        write_record(
            tmp_path,
            settings={**PAPERS, "seed": seed, "train.lr": rate},
            quality=quality,
            stored=245_760,
            result={"training": {"history": [{"step": 1, "train_loss": 2.0, "dev_loss": loss}]}},
        )
    beside, below = (row for row in section(tmp_path).rows if row.group)
    assert beside.group is not None
    assert (len(beside.group.runs), beside.searched, below.paper) == (1, 2, None)
    assert "lr=0.001" in below.label
    assert below.why_not.startswith("another setting of the same row stands beside the paper")
    page = as_markdown(paper_tables(groups_in(tmp_path))[0])
    assert "ours, 1/3 seeds; lowest development loss of 2 settings" in page


def test_settings_that_no_loss_tells_apart_say_so(tmp_path: Path) -> None:
    for seed, rate in ((1, 1e-3), (2, 5e-5)):
        write_record(tmp_path, settings={**PAPERS, "seed": seed, "train.lr": rate}, stored=245_760)
    page = as_markdown(paper_tables(groups_in(tmp_path))[0])
    assert "; no loss on the same development pairs tells its 2 settings apart" in page
    assert "lowest development loss of" not in page
    assert "lower development loss" not in page


@pytest.mark.parametrize(
    ("settings", "more", "reason"),
    [
        ({}, {}, "other backbone"),
        ({**PAPERS, "train_size": 500}, {}, "trained on 500 of 42,061 pairs"),
        ({**PAPERS, "prefix_len": 10}, {"stored": 491_520}, "the paper has no row of this length or share"),
        ({**PAPERS, "method.name": "lora"}, {}, "the paper has no lora for this model"),
    ],
)
def test_other_runs_stand_below_with_the_reason(
    tmp_path: Path, settings: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    write_record(tmp_path, settings=settings, **more)
    own = [row for row in section(tmp_path).rows if row.paper is None]
    assert len(own) == 1
    assert own[0].why_not.startswith(reason)
    assert all(cell.judgement is None for cell in own[0].cells)
    page = as_markdown(paper_tables(groups_in(tmp_path))[0])
    assert f"not comparable: {reason}" in page


@pytest.mark.parametrize(
    ("settings", "more"), [({}, {"data_source": "sample"}), ({"model.source": "random"}, {})], ids=["sample", "random"]
)
def test_runs_that_say_nothing_about_the_paper_stand_in_no_table_of_it(
    tmp_path: Path, settings: dict[str, Any], more: dict[str, Any]
) -> None:
    write_record(tmp_path, settings={**PAPERS, **settings}, **more)
    assert [row for row in section(tmp_path).rows if row.group is not None] == []


def test_low_data_runs_stay_out_when_there_are_larger_ones(tmp_path: Path) -> None:
    write_record(tmp_path)
    write_record(tmp_path, settings={"train_size": 50})
    assert len([row for row in section(tmp_path).rows if row.paper is None]) == 1


def test_rows_of_other_points_say_what_tells_them_apart(tmp_path: Path) -> None:
    for rate in (1e-3, 5e-3):
        write_record(tmp_path, settings={"train.lr": rate})
    own = [row.label for row in section(tmp_path).rows if row.paper is None]
    assert ["lr=0.001" in own[0], "lr=0.005" in own[1]] == [True, True]


def test_the_table_of_ablations_has_its_methods_only(tmp_path: Path) -> None:
    write_record(tmp_path, settings={**PAPERS, "method.name": "embedding", "prefix_len": 10})
    write_record(tmp_path, settings={**PAPERS, "method.name": "finetune"})
    rows = [row for row in section(tmp_path, table=3).rows if row.group]
    assert [row.label for row in rows] == ["GPT-2 Medium, embedding-only, length 10"]


def test_scores_with_different_signatures_are_refused_with_both(tmp_path: Path) -> None:
    write_record(tmp_path)
    other = {"BLEU": {"value": 1.0, "signature": "other:2", "reason": None}}
    write_record(tmp_path, settings={"seed": 2}, result={"scores": other})
    with pytest.raises(DataError, match=r"BLEU of e2e has 2 signatures.*other:2 \(e2e-prefix.*synthetic:1 \(e2e"):
        section(tmp_path)


def test_sample_and_real_corpus_may_be_scored_in_different_ways(tmp_path: Path) -> None:
    write_record(tmp_path)
    other = {"BLEU": {"value": 1.0, "signature": "refs:1", "reason": None}}
    write_record(tmp_path, data_source="sample", result={"scores": other})
    assert section(tmp_path)


def test_the_order_in_which_records_are_found_changes_nothing(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        write_record(tmp_path, settings={"seed": seed, "prefix_len": 5 * seed})
    found = load_records(tmp_path).runs
    for table, again in zip(paper_tables(run_groups(found)), paper_tables(run_groups(found[::-1])), strict=True):
        assert (as_markdown(table), as_csv(table)) == (as_markdown(again), as_csv(again))

"""The summary of verdicts."""

from pathlib import Path

from prefixrun.analysis.claims import evaluate
from prefixrun.analysis.paper_tables import Table, paper_tables
from prefixrun.analysis.verdict_counts import summary, verdict_counts
from prefixrun.results.records import load_records
from synthetic_records import groups_in, write_record


def tables(tree: Path) -> list[Table]:
    return paper_tables(groups_in(tree))


def counts(tree: Path) -> dict[str, dict[str, int]]:
    return {f"{table.number}, {part.task}": dict(kinds) for table, part, kinds in verdict_counts(tables(tree))}


def test_without_runs_every_number_of_the_paper_is_missing(tmp_path: Path) -> None:
    found = counts(tmp_path)
    assert found["Table 3, xsum"] == {"no runs": 9}
    assert {kind for kinds in found.values() for kind in kinds} == {"no runs"}


def test_runs_at_the_papers_setting_are_judged_and_others_are_not_comparable(tmp_path: Path) -> None:
    before = counts(tmp_path)["Table 2, e2e"]["no runs"]
    settings = {"model.name": "gpt2_medium", "prefix_len": 5}
    for seed in (1, 2, 3):
        write_record(tmp_path, settings={**settings, "seed": seed}, quality=0.3, stored=354_000)
    write_record(tmp_path, settings={"seed": 1})
    assert counts(tmp_path)["Table 2, e2e"] == {"worse": 2, "not comparable": 2, "no runs": before - 2}


def test_the_summary_has_a_line_for_each_table_and_one_for_the_claims(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"seed": 1})
    lines = summary(tables(tmp_path), evaluate(load_records(tmp_path).runs)).splitlines()
    assert lines[0].split()[-7:] == ["reproduced", "better", "worse", "undecided", "not", "comparable", "missing"]
    assert lines[1].startswith("ACL Table 2, E2E ")
    assert lines[1].split()[-6:] == ["0", "0", "0", "0", "2", "35"]
    assert lines[-1] == "24 claims of the paper: holds 1, no runs 20, cannot be tested here 3"

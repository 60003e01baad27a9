"""What runs say about the paper's claims."""

import re
from pathlib import Path

from claim_findings import findings, write_four
from prefixrun.analysis.claims import evaluate, markdown
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_without_runs_nothing_is_claimed(tmp_path: Path) -> None:
    outcomes = {each.outcome for each in evaluate([])}
    assert outcomes == {"no runs", "cannot be tested here"}
    assert "## C1:" not in markdown(evaluate([]), "")
    assert "* C4 (cannot be tested here): prefix against fine-tuning on GPT-2 Large" in markdown(evaluate([]), "")


def test_what_cannot_be_tested_here_is_judged_where_there_are_runs(tmp_path: Path) -> None:
    for method, quality in (("prefix", 0.7), ("finetune", 0.3)):
        write_four(tmp_path, method, quality, **{"model.name": "gpt2_large"})
    assert findings(tmp_path)["C4"].outcome == "holds"


def test_a_task_of_ones_own_says_nothing_of_the_paper(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7)
    assert findings(tmp_path)["C22"].outcome == "holds"
    for path in tmp_path.glob("records/*/result.json"):
        path.write_text(
            path.read_text(encoding="utf-8").replace('"task": "e2e"', '"task": "recipes"'), encoding="utf-8"
        )
    assert {each.outcome for each in findings(tmp_path).values()} == {"no runs", "cannot be tested here"}


def test_a_claim_of_two_parts_needs_both(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7)
    write_four(tmp_path, "finetune_top", 0.3, stored=7_000_000)
    assert findings(tmp_path)["C1"].outcome == "undecided"
    write_four(tmp_path, "adapter", 0.3, stored=130_000)
    assert findings(tmp_path)["C1"].outcome == "holds"


def test_the_sample_corpus_and_random_models_say_nothing(tmp_path: Path) -> None:
    for method, quality in (("prefix", 0.7), ("embedding", 0.3)):
        write_record(tmp_path, settings={"method.name": method}, quality=quality, data_source="sample")
        write_record(tmp_path, settings={"method.name": method, "model.source": "random"}, quality=quality)
    assert findings(tmp_path)["C15"].outcome == "no runs"


def test_the_page_has_outcomes_evidence_and_what_is_missing(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7)
    write_four(tmp_path, "embedding", 0.3)
    page = markdown(evaluate(load_records(tmp_path).runs), "| the table |")
    assert "| the table |" in page
    assert "## C15: holds" in page
    assert "* C6 (no runs): fine-tuning against prefix on XSUM" in page
    assert re.search(r"· runs [0-9a-f]{12}, ", page)

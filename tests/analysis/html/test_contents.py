"""What a report says of a results tree."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from prefixrun.analysis.claim_list import CLAIMS
from prefixrun.analysis.html import build
from prefixrun.analysis.html.contents import _without
from synthetic_records import write_record


def report(results: Path, **arguments: Any) -> tuple[Any, str, tuple[tuple[str, str], ...]]:
    built = build(results, arguments.pop("data_dir", None), command="prefixrun report")
    text = built.html.partition('<script type="application/json" id="report-data">')[2].partition("</script>")[0]
    return json.loads(text), built.html, built.skipped


def test_runs_stand_beside_what_they_differ_least_from(tmp_path: Path) -> None:
    for size, seed in ((500, 1), (50, 2), (500, 0), (50, 1)):
        write_record(tmp_path, settings={"train_size": size, "seed": seed})
    data, _, _ = report(tmp_path)
    shown = [run["label"].rpartition(", smollm2")[0] for run in data["runs"]]
    assert shown == [f"prefix 10, words, {size} pairs, seed {n}" for size, n in ((50, 1), (50, 2), (500, 0), (500, 1))]


def test_what_is_damaged_is_named_without_a_place_of_this_machine(tmp_path: Path) -> None:
    write_record(tmp_path)
    broken = write_record(tmp_path, settings={"seed": 2})
    (broken / "result.json").write_text("{")
    damaged = write_record(tmp_path, settings={"seed": 3})
    (damaged / "stats.parquet").write_bytes(b"PAR1 no table PAR1")
    lost = write_record(tmp_path, settings={"seed": 4})
    (lost / "outputs.jsonl.gz").write_bytes(b"no gzip")
    data, html, left_out = report(tmp_path)
    assert len(data["runs"]) == 2
    assert [what for what, _ in left_out] == [broken.name, damaged.name, f"outputs of {lost.name}"]
    assert str(tmp_path) not in html
    assert str(tmp_path) not in str(left_out)


def test_an_empty_tree_has_a_report_too(tmp_path: Path) -> None:
    data, html, left_out = report(tmp_path)
    assert (data["runs"], data["sets"], left_out) == ([], [], ())
    assert "There is no finished run yet" in html


def test_every_claim_is_shown_with_what_it_needs_and_links_to_its_runs(tmp_path: Path) -> None:
    ids = set()
    for seed in (1, 2, 3):
        for method, quality in (("prefix", 0.7), ("finetune", 0.5)):
            for size in (50, 500):
                settings = {"method.name": method, "seed": seed, "subsample_seed": seed, "train_size": size}
                ids.add(write_record(tmp_path, settings=settings, quality=quality).name.rpartition("-")[2])
    _, html, _ = report(tmp_path)
    section = html.partition('<section id="claims"')[2].partition("</section>")[0]
    shown = {part.partition('"')[0]: part for part in section.split('id="claim-')[1:]}
    assert list(shown) == [claim.name for claim in CLAIMS]
    assert all(escape(claim.needs) in shown[claim.name] for claim in CLAIMS)
    assert '<span class="verdict good">holds</span>' in shown["C8"]
    assert set(re.findall(r'href="#run-(\w+)"', shown["C8"])) == ids


def test_the_same_tree_gives_the_same_page(tmp_path: Path) -> None:
    write_record(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    pages = {build(tmp_path / name, None, command="c", made="2026-01-01").html for name in ("a", "b")}
    assert len(pages) == 1


def test_scores_with_different_signatures_stop_the_tables_and_nothing_else(tmp_path: Path) -> None:
    for seed, way in ((1, "one"), (2, "other")):
        for method in ("prefix", "finetune"):
            scores = {"BLEU": {"value": 60.0 + seed, "signature": way, "reason": None}}
            write_record(tmp_path, settings={"seed": seed, "method.name": method}, result={"scores": scores})
    data, html, _ = report(tmp_path)
    assert len(data["runs"]) == 4
    assert "has 2 signatures" in html
    assert str(tmp_path) not in html


@pytest.mark.parametrize("name", [".", "s", "i", "no result"])
def test_a_short_name_of_the_tree_stays_out_of_other_words(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name / "runs" / "broken").mkdir(parents=True)
    _, html, left_out = report(Path(name))
    assert left_out == (("broken", "has neither result.json nor config.json: not the directory of a run"),)
    assert "resultresults_dir" not in html


def test_paths_in_messages_are_cut_whole() -> None:
    text = _without({"results_dir": Path("/a/b")}, "/a/b/runs/x: in /a/b, not /a/bc, /x/a/b or /a/b.d. See /a/b.")
    assert text == "runs/x: in results_dir, not /a/bc, /x/a/b or /a/b.d. See results_dir."

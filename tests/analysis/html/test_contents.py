"""What a report says of a results tree."""

import json
import shutil
from pathlib import Path
from typing import Any

from prefixrun.analysis.html import build
from prefixrun.analysis.html.overview import parts, totals
from synthetic_records import write_record


def report(results: Path, **arguments: Any) -> tuple[Any, str, tuple[tuple[str, str], ...]]:
    built = build(results, arguments.pop("data_dir", None), command="prefixrun report")
    text = built.html.partition('<script type="application/json" id="report-data">')[2].partition("</script>")[0]
    return json.loads(text), built.html, built.skipped


def test_runs_stand_beside_what_they_differ_least_from(tmp_path: Path) -> None:
    for size, seed in ((500, 1), (50, 2), (500, 0), (50, 1)):
        write_record(tmp_path, settings={"train_size": size, "seed": seed})
    data, _, _ = report(tmp_path)
    assert [(run["n_train"], run["seed"]) for run in data["runs"]] == [(50, 1), (50, 2), (500, 0), (500, 1)]
    assert [run["point"] for run in data["runs"]] == [0, 0, 1, 1]


def test_a_run_keeps_its_numbers_signatures_and_settings(tmp_path: Path) -> None:
    directory = write_record(tmp_path, settings={"train_size": 50, "seed": 3})
    result = json.loads((directory / "result.json").read_text())
    data, _, _ = report(tmp_path)
    (run,) = data["runs"]
    value, signature = run["scores"]["BLEU"]
    assert value == result["scores"]["BLEU"]["value"]
    assert data["signatures"][signature] == "synthetic:1"
    assert data["values"][run["settings"]["train.lr"]] == 1e-3
    assert run["label"] == f"prefix 10, words, 50 pairs, seed 3, smollm2_135m, {result['run_id'][:6]}"
    assert run["verdict"] == "not comparable (other backbone; trained on 50 of 42,061 pairs)"
    assert run["directory"] == f"records/{directory.name}"


def test_a_score_without_a_value_keeps_its_reason(tmp_path: Path) -> None:
    scores = {"METEOR": {"value": None, "signature": "m:1", "reason": "needs <Java>"}}
    write_record(tmp_path, result={"scores": scores})
    data, _, _ = report(tmp_path)
    assert data["runs"][0]["scores"] == {"METEOR": [None, 0, "needs <Java>"]}


def test_scores_come_in_the_papers_order_with_its_decimals(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"task.name": "webnlg"})
    write_record(tmp_path)
    data, _, _ = report(tmp_path)
    names = [metric["name"] for metric in data["metrics"]]
    assert names.index("BLEU") < names.index("ROUGE_L") < names.index("BLEU/seen") < names.index("TER/all")
    by_name = {metric["name"]: metric for metric in data["metrics"]}
    assert by_name["BLEU"] == {"name": "BLEU", "decimals": 1, "less_is_better": False}
    assert by_name["TER/all"]["less_is_better"]


def test_what_is_damaged_is_named_without_a_place_of_this_machine(tmp_path: Path) -> None:
    write_record(tmp_path)
    broken = write_record(tmp_path, settings={"seed": 2})
    (broken / "result.json").write_text("{")
    damaged = write_record(tmp_path, settings={"seed": 3})
    (damaged / "stats.parquet").write_bytes(b"PAR1 no table PAR1")
    lost = write_record(tmp_path, settings={"seed": 4})
    (lost / "outputs.jsonl.gz").write_bytes(b"no gzip")
    data, html, left_out = report(tmp_path)
    assert len(data["runs"]) == 3
    assert [what for what, _ in left_out] == [broken.name, f"outputs of {lost.name}", f"counts of {damaged.name}"]
    assert str(tmp_path) not in html
    assert str(tmp_path) not in str(left_out)


def test_an_empty_tree_has_a_report_too(tmp_path: Path) -> None:
    data, html, left_out = report(tmp_path)
    assert (data["runs"], data["sets"], left_out) == ([], [], ())
    assert "There is no finished run yet" in html


def test_equal_environments_and_files_are_one_line_with_their_runs(tmp_path: Path) -> None:
    for seed in range(3):
        write_record(tmp_path, settings={"seed": seed})
    data, _, _ = report(tmp_path)
    assert [(one["label"], one["runs"], one["python"]) for one in data["environments"]] == [
        ("environment 1", 3, "3.11.7")
    ]
    assert [(one["sha256"], one["runs"]) for one in data["data_files"]] == [("0" * 64, 3)]


def test_the_same_tree_gives_the_same_page(tmp_path: Path) -> None:
    write_record(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    pages = {build(tmp_path / name, None, command="c", made="2026-01-01").html for name in ("a", "b")}
    assert len(pages) == 1


def test_sums_leave_out_what_was_not_measured() -> None:
    run = {"task": "e2e", "model": "m", "method": "prefix", "data_source": "release", "seed": 1, "prefix_len": 5}
    runs = [run | {"n_train": size, "train_seconds": time, "train_tokens": None, "decode_seconds": None}
            for size, time in ((50, 1.5), (1000, None), (50, 2.0))]  # fmt: skip
    sums = totals(runs)
    assert (sums.runs, sums.train_seconds, sums.train_tokens, sums.methods) == (3, 3.5, None, ("prefix",))
    (part,) = parts(runs)
    assert (part.runs, part.seeds, part.prefix_lens, part.pairs) == (3, 1, "5", "50, 1,000")


def test_scores_with_different_signatures_stop_the_tables_and_nothing_else(tmp_path: Path) -> None:
    for seed, way in ((1, "one"), (2, "other")):
        for method in ("prefix", "finetune"):
            scores = {"BLEU": {"value": 60.0 + seed, "signature": way, "reason": None}}
            write_record(tmp_path, settings={"seed": seed, "method.name": method}, result={"scores": scores})
    data, html, _ = report(tmp_path)
    assert len(data["runs"]) == 4
    assert "has 2 signatures" in html
    assert str(tmp_path) not in html

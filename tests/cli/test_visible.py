"""No control character and no bidirectional mark of what others wrote reaches the terminal, whatever prints it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from prefixrun.cli.main import main
from prefixrun.runs.run import Run
from synthetic_records import write_record

HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202eleft\u2066\x9b1m\u200f\x7f"
"""Colour, title, overrides of direction, and an escape of one byte."""


def check(capsys: pytest.CaptureFixture[str], words: list[str], shown: str | None = "\\x1b[31mred") -> str:
    """Run the command; what it shows is visible as a whole, and `shown` is among it."""
    main(words)
    captured = capsys.readouterr()
    text = captured.out + captured.err
    raw = sorted({sign for sign in text if not sign.isprintable() and sign != "\n"})
    assert raw == [], (words, raw)
    if shown is not None:
        assert shown in text, (words, text)
    return text


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Records and runs with such texts wherever a result may hold any text."""
    tree = tmp_path / "results"
    for seed in (1, 2):
        directory = write_record(tree, settings={"seed": seed}, folder="runs")
        path = directory / "result.json"
        result = json.loads(path.read_text())
        result["scores"] = {
            "BLEU": {"value": 50.0, "signature": f"{HOSTILE}{seed}", "reason": None},
            f"{HOSTILE}": {"value": None, "signature": "x", "reason": f"{HOSTILE}{seed}"},
        }
        result["settings"][HOSTILE] = f"{HOSTILE}{seed}"
        result["provenance"] |= {"time": f"{HOSTILE}{seed}", "command": f"{HOSTILE}{seed}", HOSTILE: f"{HOSTILE}{seed}"}
        path.write_text(json.dumps(result))
        lines = (directory / "generations.jsonl").read_text().splitlines()
        records = [{**json.loads(line), "output": f"{HOSTILE}{seed}"} for line in lines]
        (directory / "generations.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    damaged = write_record(tree, settings={"seed": 3})
    (damaged / "result.json").write_text(json.dumps({"schema_version": HOSTILE}))
    (tree / "records" / HOSTILE).mkdir()
    run = Run(tree, task="e2e", method="prefix", model="m", identity={"settings": {"task": {"name": HOSTILE}}})
    with run.hold():
        run.fail(HOSTILE)
    return tree


def test_records(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (path.name[-12:] for path in sorted((tree / "runs").glob("e2e-prefix-smollm2*")))
    where = f"results_dir={tree}"
    check(capsys, ["ls", where])
    check(capsys, ["ls", where, f"columns=id,{HOSTILE},provenance.time"])
    check(capsys, ["ls", where, f"{HOSTILE}={HOSTILE}"])
    check(capsys, ["ls", where, f"no{HOSTILE}=1"])
    check(capsys, ["diff", first, second, where])
    check(capsys, ["verify", first, "regenerate=0", where])
    check(capsys, ["verify", HOSTILE, where])
    check(capsys, ["tables", where, "out=published"])
    check(capsys, ["report", where, "out=report.html"])
    check(capsys, ["keep", "run=all", where, "into=kept"], None)
    check(capsys, ["generate", f"run={HOSTILE}", "text=a", where])
    check(capsys, ["export", f"run={HOSTILE}", "out=x", where])
    check(capsys, ["plan", "model=tiny_gpt2", where], None)
    for file in Path("published").rglob("*.*"):
        if file.suffix in (".md", ".tex", ".csv"):
            assert "\x1b" not in file.read_text(), file


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp, refs = tmp_path / f"{HOSTILE}.txt", tmp_path / f"{HOSTILE}.json"
    hyp.write_text(f"{HOSTILE} one\ntwo\n")
    refs.write_text(json.dumps([["a"], ["b"]]))
    check(capsys, ["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", "bootstrap=0"])
    check(capsys, ["score", "task=e2e", f"hyp={hyp}", f"against={hyp}", f"refs={refs}", "bootstrap=100"])
    check(capsys, ["score", "task=e2e", f"hyp={tmp_path / HOSTILE}", f"refs={refs}"])
    check(capsys, ["score", f"task={HOSTILE}", f"hyp={hyp}"])
    named = tmp_path / "ids.jsonl"
    named.write_text(json.dumps({"id": HOSTILE, "output": "a"}) + "\n")
    check(capsys, ["score", "task=e2e", f"hyp={named}"])
    (tmp_path / HOSTILE / "mine").mkdir(parents=True)
    check(capsys, ["data", "check", f"data_dir={tmp_path / HOSTILE}"])
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "trainset.csv").write_text(f"{HOSTILE},ref\n")
    check(capsys, ["data", "check", f"data_dir={tmp_path}"])


def test_a_prefix_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"format": "prefixrun-prefix-1", "model": HOSTILE, "model_sha256": HOSTILE}
    (tmp_path / "a").write_bytes(save({"decoder": torch.zeros(1)}, header))
    (tmp_path / "b").write_bytes(save({HOSTILE: torch.zeros(1)}))
    for name in ("a", "b"):
        check(capsys, ["generate", f"prefix={tmp_path / name}", "model=tiny_gpt2", "text=a"])


@pytest.mark.parametrize("columns", [1, 2, 7, 19, 20, 21, 40, 60])
def test_a_narrow_terminal(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    for name, value in (("COLUMNS", str(columns)), ("FORCE_COLOR", "1"), ("TTY_COMPATIBLE", "1")):
        monkeypatch.setenv(name, value)
    hyp = tree / "hyp.txt"
    hyp.write_text("a pub\n")
    (tree / "refs.json").write_text(json.dumps([["a pub"]]))
    first, second = (path.name[-12:] for path in sorted((tree / "runs").glob("e2e-prefix-smollm2*")))
    for words in (
        ["ls", f"results_dir={tree}"],
        ["diff", first, second, f"results_dir={tree}"],
        ["score", "task=e2e", f"hyp={hyp}", f"refs={tree / 'refs.json'}", "bootstrap=0"],
    ):
        assert main(words) == 0
        assert capsys.readouterr().out

"""The model card of an export for the hub."""

import json
import shlex
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.results import model_card as model_card_module
from prefixrun.results.export import export
from prefixrun.results.lookup import find, open_run
from prefixrun.results.model_card import model_card
from small_run import SMALL


def test_it_says_what_was_trained_on_which_data_and_how_well(results: Path, tmp_path: Path) -> None:
    run = sorted((results / "runs").iterdir())[0].name.rpartition("-")[2]
    opened = open_run(find(results, run))
    export(opened, "hub", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    result, bleu = opened.record.result, opened.record.result["scores"]["BLEU"]
    assert card.startswith('---\nlibrary_name: "')
    assert f"| BLEU | {bleu['value']:.2f} | " in card
    assert " | – | " in card.split("| BLEU | ")[1].split("\n")[0], "no interval over so few inputs"
    assert bleu["signature"].replace("|", "\\|") in card, "a bar ends a cell of a table"
    assert "the sample corpus of prefixrun" in card
    assert result["backbone"]["sha256"][:12] in card
    assert stored["scores"]["BLEU"] == bleu
    assert "provenance" not in stored


def test_a_corpus_of_others_is_named_with_its_licence(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sorted((results / "runs").iterdir())[0].name.rpartition("-")[2]
    opened = open_run(find(results, run))
    monkeypatch.setitem(opened.record.result, "data_source", "release")  # type: ignore[arg-type]
    card = model_card(opened, ["prefix.safetensors"], "import prefixrun")
    assert "data: e2e (https://github.com/tuetschek/e2e-dataset)" in card
    assert "licence of the data: CC BY-SA 4.0" in card
    monkeypatch.setitem(opened.record.result, "task", "mine")  # type: ignore[arg-type]
    monkeypatch.setattr(model_card_module, "_score_lines", lambda opened: [])
    card = model_card(opened, ["prefix.safetensors"], "import prefixrun")
    assert "data: mine, a task of one's own" in card
    assert "licence of the data: not known" in card


def test_a_generated_task_is_named_as_one(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sorted((results / "runs").iterdir())[0].name.rpartition("-")[2]
    opened = open_run(find(results, run))
    monkeypatch.setitem(opened.record.result, "data_source", "generated")  # type: ignore[arg-type]
    card = model_card(opened, ["prefix.safetensors"], "import prefixrun")
    assert "data: e2e, which prefixrun generates;" in card


def test_a_prefix_that_no_library_can_hold_is_used_by_the_command_in_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["model=tiny_gpt2", "method=prefix_gated", "init=random", *SMALL[:1], *SMALL[3:]]) == 0
    run = next(Path("results", "runs").iterdir()).name.rpartition("-")[2]
    assert main(["export", f"run={run}", "format=hub", "out=hub"]) == 0
    line = next(line for line in Path("hub", "README.md").read_text().splitlines() if line.startswith("# prefixrun "))
    monkeypatch.chdir(tmp_path / "hub")
    capsys.readouterr()
    assert main(shlex.split(line)[2:]) == 0
    assert capsys.readouterr().out

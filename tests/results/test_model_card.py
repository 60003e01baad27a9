"""The model card of an export for the hub."""

import json
from pathlib import Path

import pytest

from prefixrun.results.export import export
from prefixrun.results.lookup import find, open_run
from prefixrun.results.model_card import model_card


def test_it_says_what_was_trained_on_which_data_and_how_well(results: Path, tmp_path: Path) -> None:
    run = sorted((results / "runs").iterdir())[0].name.rpartition("-")[2]
    opened = open_run(find(results, run))
    export(opened, "hub", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    result, bleu = opened.record.result, opened.record.result["scores"]["BLEU"]
    assert card.startswith('---\nlibrary_name: "')
    assert f"| BLEU | {bleu['value']:.2f} | " in card
    assert " to " in card.split("| BLEU | ")[1].split("\n")[0], "its interval over inputs"
    assert bleu["signature"] in card
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

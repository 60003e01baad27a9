"""docs/OWN_TASK.md does what it says: its line of data and its YAML, taken from the page."""

import re
from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun import metrics
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.data import load

PAGE = ROOT / "docs" / "OWN_TASK.md"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_page_can_be_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipes").mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "recipes" / f"{split}.jsonl").write_text(block("json"), encoding="utf-8")
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "recipes.yaml").write_text(block("yaml"), encoding="utf-8")
    config = compose(["task=recipes", f"data_dir={tmp_path}"], config_dir=tmp_path / "conf")
    assert config.default_words == "Write one sentence about this dish:"
    corpus = load(config.task.name, "test", tmp_path)
    (example,) = corpus.examples
    assert example.source == "dish : soup | main : leek | minutes : 30"
    assert corpus.pairs == 2
    assert metrics.suite(config.task.scored_as) is metrics.suite("e2e")
    assert main(["data", "check", "task=recipes", f"data_dir={tmp_path}"]) == 0
    assert "recipes/test in recipes/train: 1 of 1 (100.0 %) inputs" in capsys.readouterr().out

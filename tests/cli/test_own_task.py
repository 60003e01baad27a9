"""The own task of a verb: its file in the user's directory of choices."""

import json
from pathlib import Path

import pytest
from datasets import Dataset

from prefixrun.cli.main import main
from prefixrun.cli.own_task import own_task
from prefixrun.config.schema import TaskConfig
from prefixrun.data import tables
from prefixrun.errors import ConfigError


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf" / "task").mkdir(parents=True)
    file = tmp_path / "conf" / "task" / "mine.yaml"
    file.write_text("name: dishes\nsource_column: facts\nmetrics: [chrF, BLEU]\ninstruction: Name the dish.\n")
    return tmp_path / "conf"


def test_its_file_is_read_whatever_initialisation_and_layout_it_is_for(conf: Path) -> None:
    found = own_task({"task": "mine", "config_dir": str(conf)})
    assert found == TaskConfig(name="dishes", source_column="facts", metrics="chrF,BLEU", instruction="Name the dish.")
    assert own_task({"task": "mine"}) is None


def test_its_name_is_the_directory_of_its_data(conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dishes").mkdir()
    (tmp_path / "dishes" / "test.csv").write_text("facts,target\na,A b\n")
    (tmp_path / "hyp.txt").write_text("A b\n")
    words = ("task=mine", f"hyp={tmp_path / 'hyp.txt'}", f"data_dir={tmp_path}", "bootstrap=0")
    assert main(["score", *words, "-cd", str(conf)]) == 0
    assert capsys.readouterr().out.split()[:7] == ["hyp.txt:", "1", "output,", "dishes", "test", "score", "chrF"]
    assert main(["score", *words, f"--config-dir={conf}", "metrics=ROUGE-1"]) == 0
    assert "ROUGE-1  100.0000" in capsys.readouterr().out
    assert main(["data", "check", f"data_dir={tmp_path}", "task=mine", "--config-dir", str(conf)]) == 3
    assert "dishes/train   WRONG: " in capsys.readouterr().out


def test_references_of_a_data_set_of_the_hub_are_not_called_the_sample_corpus(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {"test": Dataset.from_dict({"source": ["a"], "target": ["A b"]})}
    monkeypatch.setattr(tables, "_from_hub", lambda *_: parts)
    (conf / "task" / "far.yaml").write_text("name: far\ndataset: someone/dishes\nmetrics: [chrF]\n")
    (tmp_path / "hyp.txt").write_text("A b\n")
    out = tmp_path / "scores.json"
    assert main(["score", "task=far", f"hyp={tmp_path / 'hyp.txt'}", "-cd", str(conf), f"out={out}"]) == 0
    assert json.loads(out.read_text())["references"] == "dataset"
    assert "sample corpus" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data", "check", "data_dir=x", "--config-dir", "CONF"], "add task=NAME"),
        (["data", "check", "task=mine", "--config-dir", "CONF"], "data_dir: is missing"),
        (["data", "check", "task=e2e"], "data_dir: is missing"),
        (["data", "check", "data_dir=x", "task=mine", "--config-dir"], "has no value"),
        (["data", "check", "data_dir=x", "task=other", "--config-dir", "CONF"], "other is no choice of task"),
        (["data", "check", "data_dir=x", "task=mine", "--config-dir", "nowhere"], "there is no such directory"),
        (["score", "task=mine", "hyp=x", "metrics=ROUGE"], "metrics=ROUGE: no metrics are defined for it; known: e2e"),
        (["score", "task=mine", "hyp=x"], "task=mine: no metrics are defined for it"),
        (["ls", "--config-dir", "CONF"], "config"),
    ],
)
def test_what_is_refused(conf: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(conf) if word == "CONF" else word for word in words]) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_file_is_named(conf: Path) -> None:
    (conf / "task" / "mine.yaml").write_text("name: dishes\nsource_colum: facts\n")
    with pytest.raises(ConfigError, match=r"source_colum: there is no key .* did you mean task\.source_column"):
        own_task({"task": "mine", "config_dir": str(conf)})

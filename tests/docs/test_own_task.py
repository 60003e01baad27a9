"""docs/OWN_TASK.md does what it says: its data, its YAML and its commands, taken from the page and run."""

import re
import shlex
from pathlib import Path

import pytest
from datasets import Dataset

import prefixrun
from checkout import ROOT
from prefixrun import metrics
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.data import load, tables
from prefixrun.data.own_task import load as load_own
from prefixrun.errors import ConfigError
from prefixrun.runs.configure import configurations

PAGE = (ROOT / "docs" / "OWN_TASK.md").read_text(encoding="utf-8")
SMALL = (
    *("model=tiny_gpt2", "train.max_steps=2", "train.warmup_steps=0", "train.eval_examples=0", "init.fit_steps=2"),
    *("decode=greedy", "decode.max_new_tokens=3", "train.batch_size=2", "train.targets_per_row=1", "threads=1"),
)


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [content for name, content in found if name == language]


def first(text: str, start: str) -> str:
    (found,) = [block for block in blocks(text) if start in block]
    return found


@pytest.fixture
def conf(elsewhere: None) -> Path:
    """In the working directory: DIR with the data of the page, and the files of CONF, which is returned."""
    (data,) = blocks("csv")
    Path("DIR/recipes").mkdir(parents=True)
    for split in ("train", "dev", "test"):
        Path(f"DIR/recipes/{split}.csv").write_text(data, encoding="utf-8")
    for group in ("task", "experiment"):
        Path("CONF", group).mkdir(parents=True)
    Path("CONF/task/recipes.yaml").write_text(first("yaml", "name: recipes"), encoding="utf-8")
    Path("CONF/task/news.yaml").write_text(first("yaml", "name: news"), encoding="utf-8")
    Path("CONF/experiment/lengths.yaml").write_text(first("yaml", "every:"), encoding="utf-8")
    Path("CONF/experiment/flat.yaml").write_text(first("yaml", "@package"), encoding="utf-8")
    Path("outputs.txt").write_text("Leek soup takes 30 minutes.\nA pie.\nBeans\n", encoding="utf-8")
    return Path("CONF")


@pytest.mark.usefixtures("conf")
def test_every_command_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    printed = ""
    for command in (line for block in blocks("") for line in block.splitlines()):
        program, *words = shlex.split(command)
        assert program == "prefixrun"
        small = () if words[0] in ("data", "score") else SMALL
        assert main([*words, *small]) == 0, command
        printed += capsys.readouterr().out
    assert "recipes/test in recipes/train: 3 of 3 (100.0 %) inputs" in printed
    assert "own task: 3 inputs, 5 pairs" in printed
    assert re.search(r"^ROUGE-L +\d+\.\d+", printed, re.MULTILINE), "outputs.txt is scored"
    assert "sweep: 6 runs: 6 to do" in printed
    assert "next: prefixrun --config-dir CONF task=recipes data_dir=DIR" in printed
    assert len(list(Path("results/runs").iterdir())) == 9
    assert main(["ls", "task=recipes"]) == 0
    assert "BLEU" in capsys.readouterr().out.splitlines()[0]


def test_what_the_page_says_of_metrics_and_grids(conf: Path) -> None:
    config = compose(["task=recipes", "data_dir=DIR"], config_dir=conf)
    assert config.default_words == "Write one sentence about this dish:"
    assert [metric.names[0] for metric in metrics.suite(config.task.scored_as).metrics] == ["BLEU", "chrF", "ROUGE-L"]
    named = set(
        re.findall(r"`([A-Za-z]+(?:-[A-Z0-9]+)?)`", PAGE.partition("| name | what it is |")[2].partition("\n\n")[0])
    )
    assert named == metrics.CHOICES.keys()
    (flat,) = configurations(["experiment=flat", "data_dir=DIR"], config_dir=conf)
    assert (flat.task.name, flat.method.name, flat.prefix_len, flat.train.max_steps) == (
        "recipes",
        "prefix_flat",
        4,
        50,
    )


def test_outputs_are_scored_in_python(conf: Path) -> None:
    outputs = Path("outputs.txt").read_text().splitlines()
    scores = prefixrun.score("recipes", outputs, data_dir="DIR", config_dir=conf)
    assert list(scores) == ["BLEU", "chrF", "ROUGE-L"]
    assert scores["chrF"].value == pytest.approx(40.2322, abs=1e-3)


def test_the_line_of_json_is_an_example(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "test.jsonl").write_text(blocks("json")[0], encoding="utf-8")
    corpus = load("recipes", "test", tmp_path)
    assert (corpus.examples[0].source, corpus.pairs) == ("dish : soup | main : leek | minutes : 30", 2)


def test_the_data_set_of_the_hub(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Dataset.from_list([{"article": "a", "summary": "A"}])
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: {"train": rows, "validation": rows})
    tables._from_hub.cache_clear()
    config = compose(["task=news", "profile=laptop"], config_dir=conf)  # no data_dir is needed
    for split in ("train", "dev", "test"):
        (example,) = load_own(Path(), split, config.task).examples
        assert (example.source, example.references) == ("a", ("A",))
    assert main(["data", "check", "task=news", "--config-dir", str(conf)]) == 0
    tables._from_hub.cache_clear()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prefix_len: 4\n", "the line `# @package _global_`"),
        ("# @package _global_\nhydra: {sweeper: {params: {seed: '1,2'}}}\n", "write a grid"),
        ("# @package _global_\nhydra: {launcher: {n_jobs: 2}}\n", "hydra/launcher=NAME on the command line"),
        ("# @package _global_\nprefix_len: ${seed}\n", "write the value itself"),
        ("# @package _global_\nseed: 1,2\n", "must be a whole number"),
        ("# @package _global_\nmy_key: 1\n", "there is no key my_key"),
        ("# @package _global_\nmethod: {_target_: os.system}\n", "_target_"),
    ],
)
def test_what_an_experiment_of_hydra_cannot_have_is_refused_with_what_does_the_same(
    conf: Path, content: str, said: str
) -> None:
    (conf / "experiment" / "usual.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        configurations(["task=recipes", "experiment=usual", "data_dir=DIR"], config_dir=conf)

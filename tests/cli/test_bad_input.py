"""What a user can get wrong in a run: one message with the place, the exit code, and nothing half-written."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.data import SAMPLES


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The training file of a copy of the sample corpus, for data_dir."""
    shutil.copytree(SAMPLES / "e2e", tmp_path / "corpora" / "e2e")
    return tmp_path / "corpora" / "e2e" / "trainset.csv"


@pytest.fixture
def refused(small: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give the command; it must end with this code, one message and an unchanged directory. Returns the message."""

    def give(code: int, *words: str) -> str:
        assert main(["model=tiny_gpt2", *small, *words]) == code
        said = capsys.readouterr()
        assert list(Path.cwd().iterdir()) == []
        assert said.err.startswith("prefixrun: ")
        assert said.err.count("\n") == 1
        assert "Traceback" not in said.out + said.err
        return said.err.removeprefix("prefixrun: ").removesuffix("\n")

    return give


Refused = Callable[..., str]


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ["prefix_len=1000"], r"^prefix_len=1000: with the longest input of .*tiny_gpt2 has 1024.*lower prefix_len"),
        (
            2,
            ["init_words=summarize", "prefix_len=5"],
            r"^init_words='summarize': 10 tokens for this model, but prefix_len=5; give prefix_len=10",
        ),
        (3, ["data_dir=/nowhere"], r"^/nowhere/e2e.*data_dir"),
        (3, ["train_size=9999"], "9999 pairs were asked for and there are 320"),
        (
            2,
            ["model=path", "model.path=/nowhere"],
            r"^model\.path=/nowhere: is no directory; there must be config\.json",
        ),
    ],
)
def test_what_a_run_cannot_begin_with(refused: Refused, code: int, words: list[str], said: str) -> None:
    assert re.search(said, refused(code, *words))


def test_a_malformed_corpus(refused: Refused, corpus: Path) -> None:
    corpus.write_bytes(corpus.read_bytes().replace(b"mr,ref", b"mr,text", 1))
    message = refused(3, f"data_dir={corpus.parents[1]}")
    assert message.startswith(f"{corpus}:1: no column ref in the header 'mr,text'")


def test_a_corpus_that_is_not_the_release(refused: Refused, corpus: Path) -> None:
    message = refused(3, f"data_dir={corpus.parents[1]}")
    assert message.startswith("e2e/trainset.csv: 320 records with 320 texts, where E2E v1.0.0 has 42,061")
    assert "data.verify=off" in message


def test_a_hub_model_that_is_not_here(refused: Refused, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The hub's library has read its environment already: point it to an empty cache itself.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(corpus.parent / "hub"))
    message = refused(4, "model=gpt2_medium")
    assert message.startswith("model=gpt2_medium: openai-community/gpt2-medium is not in the Hugging Face cache")


def test_a_file_in_the_place_of_the_results(small: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("mine")
    assert main(["model=tiny_gpt2", *small, "results_dir=taken"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("prefixrun: results_dir: taken cannot be written (")
    assert "results_dir=DIR" in said
    assert said.count("\n") == 1
    assert [path.name for path in Path.cwd().iterdir()] == ["taken"]
    assert Path("taken").read_text() == "mine"

"""What a user can get wrong in a run: one message with the place, the exit code, and nothing half-written."""

import os
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


def test_a_prefix_longer_than_the_context(refused: Refused) -> None:
    message = refused(2, "prefix_len=1000")
    assert message.startswith("prefix_len=1000: with the longest input of ")
    assert "tiny_gpt2 has 1024" in message
    assert "lower prefix_len" in message


def test_words_that_do_not_fit_the_prefix(refused: Refused) -> None:
    message = refused(2, "init_words=summarize", "prefix_len=5")
    assert message.startswith("init_words='summarize': 10 tokens for this model, but prefix_len=5; give prefix_len=10")


def test_a_missing_data_directory(refused: Refused, tmp_path: Path) -> None:
    message = refused(3, f"data_dir={tmp_path / 'nowhere'}")
    assert message.startswith(f"{tmp_path / 'nowhere' / 'e2e'}")
    assert "data_dir" in message


@pytest.mark.parametrize(
    ("spoil", "line", "said"),
    [
        (lambda text: text.replace(b"mr,ref", b"mr,text", 1), 1, "no column ref in the header 'mr,text'"),
        (lambda text: text + b'"name[A], food[French]"\n', 322, "1 fields where the header has 2"),
        (lambda text: text[: text.rindex(b",")], 321, "broken CSV row (unexpected end of data)"),
        (lambda text: text.replace("£".encode(), b"\xa3", 1), None, "UTF-8"),
        (lambda text: text.splitlines(keepends=True)[0] + b'"name[A], food[French]",""\n', 2, "the reference is empty"),
        (lambda text: text.splitlines(keepends=True)[0] + b'"name[A], fod[French]",A\n', 2, "unknown field 'fod'"),
        (lambda text: text.splitlines(keepends=True)[0], None, "a header and no row"),
        (lambda text: b"", None, "empty"),
    ],
    ids=[
        "wrong column",
        "short row",
        "truncated",
        "not UTF-8",
        "empty reference",
        "unknown field",
        "no row",
        "empty file",
    ],
)
def test_a_malformed_corpus(
    refused: Refused, corpus: Path, spoil: Callable[[bytes], bytes], line: int | None, said: str
) -> None:
    corpus.write_bytes(spoil(corpus.read_bytes()))
    message = refused(3, f"data_dir={corpus.parents[1]}")
    assert message.startswith(f"{corpus}:{line}: " if line else f"{corpus}:")
    assert said in message


def test_a_corpus_that_is_not_the_release(refused: Refused, corpus: Path) -> None:
    message = refused(3, f"data_dir={corpus.parents[1]}")
    assert message.startswith("e2e/trainset.csv: 320 records with 320 texts, where E2E v1.0.0 has 42,061")
    assert "data.verify=off" in message


def test_more_pairs_than_there_are(refused: Refused) -> None:
    assert "9999 pairs were asked for and there are 320" in refused(3, "train_size=9999")


def test_a_missing_model_directory(refused: Refused, tmp_path: Path) -> None:
    message = refused(2, "model=path", f"model.path={tmp_path / 'nowhere'}")
    assert message.startswith(f"model.path={tmp_path / 'nowhere'}: is no directory; there must be config.json")


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


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_a_results_directory_without_permission(small: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    Path("closed").mkdir(mode=0o500)
    assert main(["model=tiny_gpt2", *small, "results_dir=closed"]) == 2
    assert capsys.readouterr().err.startswith("prefixrun: results_dir: closed")
    assert list(Path("closed").iterdir()) == []

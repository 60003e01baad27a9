"""What a local model directory can be wrong in: every case is one message before a run, on both kinds of models."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import __version__

import model_directories as cases
from prefixrun.errors import ConfigError
from prefixrun.models.loading import load
from prefixrun.models.model_directory import contents
from prefixrun.models.weights import locate

ARCHITECTURES = ("tiny_gpt2", "tiny_t5")
Copy = Callable[..., Path]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("case", cases.BAD)
def test_a_directory_that_is_wrong_is_one_message(copy: Copy, architecture: str, case: str) -> None:
    tamper, message = cases.BAD[case]
    path = copy(architecture)
    tamper(path)
    cases.refused(path, architecture, message)
    assert not (path / "RAN").exists()


@pytest.mark.parametrize("case", cases.GOOD)
def test_what_only_looks_wrong_is_loaded(copy: Copy, case: str) -> None:
    if case == "files of another machine" and __version__.startswith("5.0."):
        pytest.skip("transformers 5.0 looks for the tokenizer's file where its configuration names it")
    path = copy("tiny_gpt2")
    cases.GOOD[case](path)
    load(cases.at(path, "tiny_gpt2"))


def test_a_file_that_is_not_loaded_does_not_count(copy: Copy) -> None:
    path = copy("tiny_gpt2")
    before = locate(cases.at(path, "tiny_gpt2")).fingerprint
    for name in ("README.md", "other.safetensors", "pytorch_model.bin", "generation_config.json", "tokenizer.9.0.json"):
        (path / name).write_text("decides nothing")
    assert locate(cases.at(path, "tiny_gpt2")).fingerprint == before
    load(cases.at(path, "tiny_gpt2"))


def test_every_file_that_is_loaded_counts(copy: Copy) -> None:
    path = copy("tiny_gpt2", "8KB")
    for name in ("special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "vocab.json", "merges.txt"):
        (path / name).write_text("{}")
    files = contents(path, "model.path").files
    assert {file.name for file in files} == {
        *(file.name for file in path.iterdir() if file.name != "generation_config.json")
    }
    seen = {locate(cases.at(path, "tiny_gpt2")).fingerprint}
    for file in files:
        if file.name == cases.INDEX:
            cases.keys(file.name, more=1)(path)
        else:
            file.write_bytes(file.read_bytes() + b" ")
        seen.add(locate(cases.at(path, "tiny_gpt2")).fingerprint)
    assert len(seen) == len(files) + 1


def test_the_links_of_a_hub_cache_lead_to_its_blobs(copy: Copy, tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "hub" / "blobs", tmp_path / "hub" / "snapshots" / "0123"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(copy("tiny_gpt2").iterdir())):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / str(number))
    load(cases.at(snapshot, "tiny_gpt2"))
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(tmp_path / "hub" / "refs")
    cases.refused(snapshot, "tiny_gpt2", "config.json is a link that leads out of the directory")


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^model\.path="):
        locate(cases.at(Path(name), "tiny_gpt2"))

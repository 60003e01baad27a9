"""What a local model directory can be wrong in: every case is one message before a run, on both kinds of models."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import model_directories as cases
from prefixrun.errors import ConfigError
from prefixrun.models.backbone import load
from prefixrun.models.model_directory import contents
from prefixrun.models.weights import locate

ARCHITECTURES = ("tiny_gpt2", "tiny_t5")
Copy = Callable[..., Path]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A model directory of an architecture, written once."""
    directories: dict[tuple[str, str], Path] = {}

    def directory(architecture: str, shard: str) -> Path:
        if (architecture, shard) not in directories:
            directories[architecture, shard] = cases.save(tmp_path_factory.mktemp(architecture), architecture, shard)
        return directories[architecture, shard]

    return directory


@pytest.fixture
def copy(saved: Callable[[str, str], Path], tmp_path: Path) -> Copy:
    """A copy of a model directory that a test may spoil."""
    return lambda architecture, shard="5GB": Path(shutil.copytree(saved(architecture, shard), tmp_path / "my-model"))


def refused(path: Path, architecture: str, message: str) -> str:
    with pytest.raises(ConfigError, match=message) as caught:
        load(cases.at(path, architecture))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).startswith(("model.path=", "model=local: model_type"))
    return str(caught.value)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("case", cases.BAD)
def test_a_directory_that_is_wrong_is_one_message(copy: Copy, architecture: str, case: str) -> None:
    tamper, message = cases.BAD[case]
    path = copy(architecture)
    tamper(path)
    refused(path, architecture, message)
    assert not (path / "RAN").exists()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("case", cases.BAD_SHARDS)
def test_shards_that_are_wrong_are_one_message(copy: Copy, architecture: str, case: str) -> None:
    tamper, message = cases.BAD_SHARDS[case]
    path = copy(architecture, "8KB")
    tamper(path)
    refused(path, architecture, message)


@pytest.mark.parametrize(
    ("architecture", "size", "value"),
    [
        pytest.param(architecture, size, value, marks=() if architecture in ARCHITECTURES else pytest.mark.slow)
        for architecture, sizes in cases.SIZES.items()
        for size in sizes
        for value in cases.WRONG_SIZES[size]
    ],
)
def test_sizes_that_do_not_fit_are_one_message(copy: Copy, architecture: str, size: str, value: object) -> None:
    path = copy(architecture)
    cases.sized(architecture, size, value)(path)
    refused(path, architecture, "config.json|its weights")


@pytest.mark.parametrize("architecture", cases.LAYOUTS)
def test_weights_in_shards_are_the_same_model(copy: Copy, tmp_path: Path, architecture: str) -> None:
    whole = load(cases.at(cases.save(tmp_path / "whole", architecture), architecture)).model.state_dict()
    path = copy(architecture, "8KB")
    assert len(locate(cases.at(path, architecture)).contents.weights) > 3  # type: ignore[union-attr]
    loaded = load(cases.at(path, architecture)).model.state_dict()
    assert whole.keys() == loaded.keys()
    assert all(tensor.equal(loaded[name]) for name, tensor in whole.items())


@pytest.mark.parametrize("case", cases.GOOD)
def test_what_only_looks_wrong_is_loaded(copy: Copy, case: str) -> None:
    path = copy("tiny_gpt2")
    cases.GOOD[case](path)
    load(cases.at(path, "tiny_gpt2"))


@pytest.mark.parametrize("layout", ["bart", "t5"])
def test_the_special_tokens_of_a_layout_are_needed(copy: Copy, layout: str) -> None:
    token = {"bart": "bos_token", "t5": "pad_token"}[layout]
    path = copy(f"tiny_{layout}")
    cases.without("tokenizer_config.json", token)(path)
    refused(path, f"tiny_{layout}", f"its tokenizer has no {token}, which model.layout={layout} needs")


def test_a_model_larger_than_the_memory_is_refused_before_it_is_read(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 20}[name])
    refused(copy("tiny_gpt2"), "tiny_gpt2", "its 66,496 parameters take 0.0 GiB in float32, and this machine has 0.0")


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
    refused(snapshot, "tiny_gpt2", "config.json is a link that leads out of the directory")


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^model\.path="):
        locate(cases.at(Path(name), "tiny_gpt2"))

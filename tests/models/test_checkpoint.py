"""Weights from one file or from shards, and what is refused before they are read."""

from collections.abc import Callable
from pathlib import Path

import pytest

import model_directories as cases
from prefixrun.models.loading import load
from prefixrun.models.weights import locate

ARCHITECTURES = ("tiny_gpt2", "tiny_t5")


Copy = Callable[..., Path]


@pytest.mark.parametrize("architecture", cases.LAYOUTS)
def test_weights_in_shards_are_the_same_model(copy: Copy, tmp_path: Path, architecture: str) -> None:
    whole = load(cases.at(cases.save(tmp_path / "whole", architecture), architecture)).model.state_dict()
    path = copy(architecture, "8KB")
    assert len(locate(cases.at(path, architecture)).contents.weights) > 3  # type: ignore[union-attr]
    loaded = load(cases.at(path, architecture)).model.state_dict()
    assert whole.keys() == loaded.keys()
    assert all(tensor.equal(loaded[name]) for name, tensor in whole.items())


def test_a_model_larger_than_the_memory_is_refused_before_it_is_read(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefixrun.models.checkpoint.memory_bytes", lambda device: 20 * 4096)
    cases.refused(copy("tiny_gpt2"), "tiny_gpt2", "its 66,496 parameters take 0.0 GiB in float32, and this")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("case", cases.BAD_SHARDS)
def test_shards_that_are_wrong_are_one_message(copy: Copy, architecture: str, case: str) -> None:
    tamper, message = cases.BAD_SHARDS[case]
    path = copy(architecture, "8KB")
    tamper(path)
    cases.refused(path, architecture, message)

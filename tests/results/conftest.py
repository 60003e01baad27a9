"""Finished runs of a tiny model, for what opens them again."""

from pathlib import Path

import pytest

from prefixrun.cli.main import main

SHORT = (
    "train.max_steps=6",
    "train.warmup_steps=0",
    "train.lr=0.1",
    "test_size=3",
    "decode=greedy",
    "decode.max_new_tokens=8",
    "method=prefix_flat",
)


@pytest.fixture
def short() -> tuple[str, ...]:
    return SHORT


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of two finished runs whose prefixes have different lengths."""
    directory = tmp_path_factory.mktemp("results")
    for length in (3, 5):
        overrides = [*SHORT, "model=tiny_llama", f"prefix_len={length}", f"results_dir={directory}", f"seed={length}"]
        assert main(overrides) == 0
    return directory

"""Sizes in a config.json that no model can have."""

from collections.abc import Callable
from pathlib import Path

import pytest

import model_directories as cases

ARCHITECTURES = ("tiny_gpt2", "tiny_t5")


Copy = Callable[..., Path]


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
    cases.refused(path, architecture, "config.json|its weights")

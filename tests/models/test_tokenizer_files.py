"""Tokenizers of model directories."""

from collections.abc import Callable
from pathlib import Path

import pytest

import model_directories as cases

Copy = Callable[..., Path]


@pytest.mark.parametrize("layout", ["bart", "t5"])
def test_the_special_tokens_of_a_layout_are_needed(copy: Copy, layout: str) -> None:
    token = {"bart": "bos_token", "t5": "pad_token"}[layout]
    path = copy(f"tiny_{layout}")
    cases.without("tokenizer_config.json", token)(path)
    cases.refused(path, f"tiny_{layout}", f"its tokenizer has no {token}, which model.layout={layout} needs")

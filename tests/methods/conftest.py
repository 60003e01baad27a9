"""Tiny random backbones of both families."""

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, PreTrainedModel


@pytest.fixture(scope="module")
def medium() -> PreTrainedModel:
    """GPT-2 Medium: shapes alone."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(GPT2Config(n_embd=1024, n_layer=24, n_head=16))  # type: ignore[no-any-return]

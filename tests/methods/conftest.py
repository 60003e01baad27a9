"""Tiny random backbones of both families."""

import pytest
import torch
from transformers import GPT2Config, PreTrainedModel

from prefixrun.models.architectures import from_configuration


@pytest.fixture(scope="module")
def medium() -> PreTrainedModel:
    """GPT-2 Medium: shapes alone."""
    with torch.device("meta"):
        return from_configuration(GPT2Config(n_embd=1024, n_layer=24, n_head=16))

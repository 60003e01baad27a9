"""Tiny random backbones of both families."""

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, PreTrainedModel

from prefixrun.config.schema import ModelConfig
from prefixrun.models.backbone import Backbone, load


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load(ModelConfig(name=request.param, source="random", architecture=request.param))


@pytest.fixture(scope="module")
def medium() -> PreTrainedModel:
    """GPT-2 Medium: shapes alone."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(GPT2Config(n_embd=1024, n_layer=24, n_head=16))  # type: ignore[no-any-return]

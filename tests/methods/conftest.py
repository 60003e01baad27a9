"""Tiny random backbones of both families."""

import pytest
import torch

from prefixrun.config.schema import ModelConfig
from prefixrun.models.backbone import Backbone, load


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load(ModelConfig(name=request.param, source="random", architecture=request.param))

"""Methods some way from their start on tiny backbones, and what these compute behind them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.methods import Method
from prefixrun.methods.prefix import Prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.loading import load

ROWS = [Row((5, 6, 7, 256), ((8, 9, 256), (10, 256))), Row((11, 256), ((12, 13, 14, 256),))]
"""Two sources of different lengths, one of them with two targets."""


def drawn(backbone: Backbone, length: int, seed: int = 0) -> dict[str, Tensor]:
    """Keys and values from the standard normal for every site of a backbone, one site after the other."""
    shape, stream = backbone.shape, torch.Generator().manual_seed(seed)
    size = (shape.layers, 2, shape.kv_heads, length, shape.head_dim)
    return {site: torch.randn(size, generator=stream) for site in backbone.sites}


def moved(config: Config, backbone: Backbone) -> Method:
    """The method of a configuration with random numbers added to all parameters."""
    method = methods.build(config, backbone)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return method


def prefix_on(*words: str, length: int = 3) -> tuple[Prefix, Backbone]:
    """The prefix of a configuration with random numbers, in use, and its backbone."""
    config = compose(["method=prefix_flat", "init=random", f"prefix_len={length}", *words])
    backbone = load(config.model)
    method = moved(config, backbone)
    assert isinstance(method, Prefix)
    return method.eval(), backbone


def states(method: Method, backbone: Backbone, rows: Sequence[Row] = ROWS) -> Tensor:
    """The states that predict the rows' targets."""
    with torch.no_grad(), method.attach(backbone):
        return method.target_states(backbone, method.collate(backbone, rows, "token_mean"))

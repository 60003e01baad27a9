"""A prefix whose keys and values are the parameters themselves: where it stands, and what is stored of it."""

import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.errors import ConfigError
from prefixrun.methods import build
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load


@pytest.fixture
def prefix(backbone: Backbone) -> FlatPrefix:
    torch.manual_seed(0)
    return FlatPrefix(backbone.shape, ("decoder",), prefix_len=3)


def test_fitting_copies_the_target_of_its_sites_and_leaves_no_error(prefix: FlatPrefix) -> None:
    target, parameter = torch.randn(prefix.prefix["decoder"].shape), prefix.prefix["decoder"]
    config = compose(["model=tiny_gpt2"]).init
    assert prefix.fit_to({"decoder": target, "cross": torch.zeros(1)}, config) == 0.0
    assert torch.equal(prefix.stored_key_values()["decoder"], target)
    assert parameter.requires_grad, "it stays trainable"
    assert parameter.data_ptr() != target.data_ptr()


def test_it_is_built_for_the_sites_that_the_configuration_names() -> None:
    config = compose(["model=tiny_bart", "method=prefix_flat", "method.sites=cross", "prefix_len=2"])
    method = build(config, load(config.model))
    assert isinstance(method, FlatPrefix)
    assert list(method.prefix) == ["cross"]
    config = compose(["model=tiny_gpt2", "method=prefix_flat", "method.sites=cross"])
    with pytest.raises(ConfigError, match=r"method\.sites=cross"):
        build(config, load(config.model))

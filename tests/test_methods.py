"""Methods by their names: built with the run's seed, refused where a model or a package is missing."""

from dataclasses import replace

import pytest

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.models.loading import load


def config_of(*overrides: str) -> Config:
    return compose(["model=tiny_gpt2", "method=prefix_flat", "prefix_len=2", *overrides])


def test_a_method_of_decoder_only_models_is_refused_for_others() -> None:
    config, other = config_of("method=infix"), compose(["model=tiny_bart"])
    with pytest.raises(ConfigError, match=r"method=infix: needs a decoder-only model, .* model=tiny_bart is an"):
        methods.refuse(replace(config, model=other.model), load(other.model))


@pytest.mark.parametrize(
    ("model", "prefix_len", "fits"), [("tiny_gpt2", 1023, True), ("tiny_gpt2", 1024, False), ("tiny_t5", 5000, True)]
)
def test_a_prefix_leaves_a_position_for_the_text(model: str, prefix_len: int, fits: bool) -> None:
    config = compose([f"model={model}", "method=prefix_flat"])
    config, backbone = replace(config, prefix_len=prefix_len), load(config.model)
    if fits:
        methods.refuse_length(config, backbone)
        return
    with pytest.raises(ConfigError, match=f"prefix_len={prefix_len}: model={model} has 1024 positions"):
        methods.refuse_length(config, backbone)


@pytest.mark.parametrize(("method", "largest"), [("prefix_flat", None), ("finetune_top", 2)])
def test_the_largest_size(method: str, largest: int | None) -> None:
    config = compose(["model=tiny_gpt2", f"method={method}"])
    assert methods.largest_size(config, load(config.model)) == largest

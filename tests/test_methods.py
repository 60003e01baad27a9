"""Methods by their names: built with the run's seed, refused where a model or a package is missing."""

from dataclasses import replace

import pytest
import torch

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.models.backbone import load


def config_of(*overrides: str) -> Config:
    return compose(["model=tiny_gpt2", "method=prefix_flat", "prefix_len=2", *overrides])


def test_the_random_start_comes_from_the_seed_and_leaves_the_stream_of_the_process_alone() -> None:
    backbone = load(config_of().model)
    torch.manual_seed(5)
    first = torch.rand(1)
    torch.manual_seed(5)
    starts = [methods.build(config_of(f"seed={seed}"), backbone).trained_tensors() for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(1), first)
    one, same, other = (next(iter(start.values())) for start in starts)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_what_is_stored_comes_back() -> None:
    config = config_of()
    backbone = load(config.model)
    stored = methods.build(config, backbone).trained_tensors()
    restored = methods.restore(config, backbone, stored).key_values(backbone)
    assert {name: torch.equal(restored[name], tensor) for name, tensor in stored.items()} == {"decoder": True}


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

"""Shapes of configurations, and models that are refused before their weights are read."""

import pytest
import torch
from transformers import (
    AutoConfig,
    BartConfig,
    BloomConfig,
    FalconConfig,
    Gemma3Config,
    GPT2Config,
    GPTJConfig,
    GPTNeoConfig,
    LlamaConfig,
    OPTConfig,
    PretrainedConfig,
    T5Config,
)

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.architectures import configuration, from_configuration
from prefixrun.models.families import Shape, check_attention, check_configuration, shape_of
from prefixrun.models.transformers_names import uses_registry

SMOLLM = LlamaConfig(
    hidden_size=576,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=8192,
    vocab_size=49152,
)
WIDE_HEADS = LlamaConfig(
    hidden_size=64, num_hidden_layers=1, num_attention_heads=4, head_dim=32, max_position_embeddings=99, vocab_size=7
)

SMALL = {"hidden_size": 32}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (GPT2Config(n_embd=1024, n_layer=24, n_head=16), Shape(24, 16, 64, 1024, 1024, 50257, 16)),
        (GPT2Config(n_embd=1280, n_layer=36, n_head=20), Shape(36, 20, 64, 1280, 1024, 50257, 20)),
        (SMOLLM, Shape(30, 3, 64, 576, 8192, 49152, 9)),
        (WIDE_HEADS, Shape(1, 4, 32, 64, 99, 7, 4)),
        (configuration("bart_large"), Shape(12, 16, 64, 1024, 1024, 50265, 16)),
        (configuration("t5_base"), Shape(12, 12, 64, 768, None, 32128, 12)),
        (AutoConfig.for_model("gpt_bigcode", n_embd=64, n_layer=2, n_head=4), Shape(2, 1, 16, 64, 1024, 50257, 4)),
    ],
)
def test_shapes(config: PretrainedConfig, expected: Shape) -> None:
    assert shape_of(config) == expected


def asked(layout: str) -> ModelConfig:
    return ModelConfig(name="mine", source="path", path="here", layout=layout)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "config", "message"),
    [
        (
            "paper",
            T5Config(),
            r"model\.layout=paper: does not fit .* \(t5\).* give model\.layout=bart or model\.layout=t5$",
        ),
        ("bart", GPT2Config(), r"model\.layout=paper or model\.layout=lines or model\.layout=chat$"),
        (
            "bart",
            BartConfig(decoder_layers=3),
            "12 layers of 16 heads and its decoder 3 of 16; only models with the same",
        ),
        ("bart", BartConfig(decoder_attention_heads=8), "12 layers of 16 heads and its decoder 12 of 8"),
        ("t5", T5Config(num_decoder_layers=2), "6 layers of 8 heads and its decoder 2 of 8"),
        ("auto", Gemma3Config(), "model=mine: gemma3 reads more than text"),
        (
            "auto",
            AutoConfig.for_model("qwen3_next"),
            "model=mine: it has layers of linear_attention; only full_attention",
        ),
    ],
)
def test_configurations_that_cannot_be_used_are_refused(layout: str, config: PretrainedConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_configuration(asked(layout), config)


@pytest.mark.parametrize(
    ("layout", "config"),
    [
        ("paper", GPT2Config()),
        ("lines", LlamaConfig()),
        ("auto", OPTConfig()),
        ("bart", BartConfig()),
        ("t5", T5Config()),
        ("auto", T5Config()),
    ],
)
def test_configurations_that_can_be_used_pass(layout: str, config: PretrainedConfig) -> None:
    check_configuration(asked(layout), config)


@pytest.mark.parametrize(
    ("config", "module"),
    [
        (
            GPTNeoConfig(num_layers=1, attention_types=[[["global"], 1]], hidden_size=32, num_heads=4),
            "GPTNeoSelfAttention",
        ),
        (GPTJConfig(n_layer=1, n_embd=32, n_head=4, rotary_dim=4), "GPTJAttention"),
        (BloomConfig(n_layer=1, **SMALL, n_head=4), "BloomAttention"),
        (FalconConfig(num_hidden_layers=1, **SMALL, num_attention_heads=4), "FalconAttention"),
    ],
)
def test_attention_that_cannot_be_reached_is_refused_by_name(config: PretrainedConfig, module: str) -> None:
    with torch.device("meta"):
        model = from_configuration(config)
    if any(map(uses_registry, model.modules())):
        pytest.skip(f"this version of transformers lets {module} be reached")
    with pytest.raises(ConfigError, match=rf"^model=mine: {module} of transformers computes attention itself"):
        check_attention(asked("auto"), model, shape_of(config))


def test_layers_without_attention_are_refused() -> None:
    with torch.device("meta"):
        model = from_configuration(configuration("tiny_llama"))
    del model.model.layers[1].self_attn
    with pytest.raises(ConfigError, match="LlamaForCausalLM has 2 attention modules of the site decoder for 3 layers"):
        check_attention(asked("auto"), model, shape_of(model.config))

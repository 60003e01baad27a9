"""Shapes of configurations, and configurations that are refused."""

import pytest
from transformers import BartConfig, GPT2Config, LlamaConfig, OPTConfig, PretrainedConfig, T5Config

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.architectures import configuration
from prefixrun.models.families import Shape, check_supported, shape_of

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


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (GPT2Config(n_embd=1024, n_layer=24, n_head=16), Shape(24, 16, 64, 1024, 1024, 50257)),
        (GPT2Config(n_embd=1280, n_layer=36, n_head=20), Shape(36, 20, 64, 1280, 1024, 50257)),
        (SMOLLM, Shape(30, 3, 64, 576, 8192, 49152)),
        (WIDE_HEADS, Shape(1, 4, 32, 64, 99, 7)),
        (configuration("bart_large"), Shape(12, 16, 64, 1024, 1024, 50265)),
        (configuration("t5_base"), Shape(12, 12, 64, 768, None, 32128)),
    ],
)
def test_shapes(config: PretrainedConfig, expected: Shape) -> None:
    assert shape_of(config) == expected


def asked(layout: str) -> ModelConfig:
    return ModelConfig(name="mine", source="path", path="here", layout=layout)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "config", "message"),
    [
        ("paper", OPTConfig(), "model=mine: model_type 'opt' is not supported; there are gpt2, llama, bart, t5"),
        ("paper", T5Config(), r"model\.layout=paper: does not fit .* family t5; give model\.layout=t5$"),
        ("bart", GPT2Config(), r"model\.layout=paper or model\.layout=lines$"),
        (
            "bart",
            BartConfig(decoder_layers=3),
            "12 layers of 16 heads and its decoder 3 of 16; only models with the same",
        ),
        ("bart", BartConfig(decoder_attention_heads=8), "12 layers of 16 heads and its decoder 12 of 8"),
        ("t5", T5Config(num_decoder_layers=2), "6 layers of 8 heads and its decoder 2 of 8"),
    ],
)
def test_what_cannot_be_used_is_refused(layout: str, config: PretrainedConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_supported(asked(layout), config)


@pytest.mark.parametrize(
    ("layout", "config"),
    [("paper", GPT2Config()), ("lines", LlamaConfig()), ("bart", BartConfig()), ("t5", T5Config())],
)
def test_what_can_be_used_passes(layout: str, config: PretrainedConfig) -> None:
    check_supported(asked(layout), config)

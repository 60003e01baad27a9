"""Configurations of published models by name, in the values of their configuration files on the Hugging Face hub.

With them parameters can be counted where the weights are missing; nobody needs them where the weights are here. Each
with its licence: some ask for consent on the hub before they can be downloaded. What they were checked against is in
docs/MODELS.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig

# Apache-2.0; Biderman et al. 2023.
_PYTHIA_160M = {
    "model_type": "gpt_neox",
    "vocab_size": 50_304,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
# OPT-175B License Agreement, for research only; Zhang et al. 2022.
_OPT_125M = {
    "model_type": "opt",
    "vocab_size": 50_272,
    "hidden_size": 768,
    "ffn_dim": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 2048,
    "word_embed_proj_dim": 768,
}
_LARGE = {
    "d_model": 1024,
    **{f"{stack}_attention_heads": 16 for stack in ("encoder", "decoder")},
    **{f"{stack}_ffn_dim": 4096 for stack in ("encoder", "decoder")},
}

PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    # Apache-2.0; Yang et al. 2025.
    "qwen3_0_6b": {
        "model_type": "qwen3",
        "vocab_size": 151_936,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 40_960,
        "tie_word_embeddings": True,
    },
    # Apache-2.0; Ben Allal et al. 2025.
    "smollm2_360m": {
        "model_type": "llama",
        "vocab_size": 49_152,
        "hidden_size": 960,
        "intermediate_size": 2560,
        "num_hidden_layers": 32,
        "num_attention_heads": 15,
        "num_key_value_heads": 5,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
    # Apache-2.0; Bakouch et al. 2025.
    "smollm3_3b": {
        "model_type": "smollm3",
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 11_008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "max_position_embeddings": 65_536,
        "tie_word_embeddings": True,
    },
    # Llama 3.2 Community License, asks for consent; Grattafiori et al. 2024.
    "llama3_2_1b": {
        "model_type": "llama",
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "max_position_embeddings": 131_072,
        "tie_word_embeddings": True,
    },
    # Gemma Terms of Use, asks for consent; Gemma Team 2025.
    "gemma3_270m": {
        "model_type": "gemma3_text",
        "vocab_size": 262_144,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 18,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "sliding_window": 512,
        "max_position_embeddings": 32_768,
        "tie_word_embeddings": True,
    },
    "pythia_160m": _PYTHIA_160M,
    "pythia_410m": {
        **_PYTHIA_160M,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
    },
    "opt_125m": _OPT_125M,
    "opt_350m": {
        **_OPT_125M,
        "hidden_size": 1024,
        "ffn_dim": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "word_embed_proj_dim": 512,
        "do_layer_norm_before": False,
    },
    # Apache-2.0; OLMo Team 2024.
    "olmo2_1b": {
        "model_type": "olmo2",
        "vocab_size": 100_352,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
    },
    # MIT; Abdin et al. 2024.
    "phi3_mini": {
        "model_type": "phi3",
        "vocab_size": 32_064,
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "sliding_window": 2047,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
    },
    # Apache-2.0; Chung et al. 2022.
    "flan_t5_base": {
        "model_type": "t5",
        "vocab_size": 32_128,
        "d_model": 768,
        "d_kv": 64,
        "d_ff": 2048,
        "num_layers": 12,
        "num_heads": 12,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "decoder_start_token_id": 0,
    },
    # Apache-2.0; Zhang et al. 2020.
    "pegasus_xsum": {
        **_LARGE,
        "model_type": "pegasus",
        "vocab_size": 96_103,
        "encoder_layers": 16,
        "decoder_layers": 16,
        "max_position_embeddings": 512,
        "decoder_start_token_id": 0,
    },
    # MIT; mBART-50, Tang et al. 2020.
    "mbart": {
        **_LARGE,
        "model_type": "mbart",
        "vocab_size": 250_054,
        "encoder_layers": 12,
        "decoder_layers": 12,
        "max_position_embeddings": 1024,
        "decoder_start_token_id": 2,
    },
}


def published(architecture: str) -> PreTrainedConfig:
    """The transformers configuration of one of PUBLISHED."""
    settings = dict(PUBLISHED[architecture])
    return CONFIG_MAPPING[settings.pop("model_type")](**settings)

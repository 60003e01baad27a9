"""Tiny random models of the families that are tried here, by transformers' model_type."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from prefixrun.models.architectures import from_configuration
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import frozen
from prefixrun.models.tokenizer import BEGIN_ID, END_ID, PAD_ID, byte_tokenizer
from prefixrun.models.weights import ModelFiles

TOKENS = {
    "vocab_size": BEGIN_ID + 1,
    "bos_token_id": END_ID,
    "eos_token_id": END_ID,
    "pad_token_id": PAD_ID,
}
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}
GROUPED = {**SIZES, "num_key_value_heads": 2, "head_dim": 8}
WINDOW = {**GROUPED, "sliding_window": 8}
ALTERNATING = {**WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
BART = {
    "d_model": 32,
    **{f"{stack}_layers": 2 for stack in ("encoder", "decoder")},
    **{f"{stack}_attention_heads": 4 for stack in ("encoder", "decoder")},
    **{f"{stack}_ffn_dim": 64 for stack in ("encoder", "decoder")},
    "max_position_embeddings": 512,
    "decoder_start_token_id": END_ID,
    "forced_eos_token_id": None,
}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": PAD_ID}

DECODER_ONLY: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512},
    "llama": GROUPED,
    "qwen2": {**ALTERNATING, "use_sliding_window": True, "max_window_layers": 0},
    "qwen3": GROUPED,
    "mistral": WINDOW,
    "gemma": {**SIZES, "num_key_value_heads": 1, "head_dim": 16},
    "gemma2": {
        **ALTERNATING,
        "query_pre_attn_scalar": 8,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 5.0,
    },
    "gemma3_text": {**ALTERNATING, "query_pre_attn_scalar": 8},
    "phi": {**SIZES, "partial_rotary_factor": 0.5},
    "phi3": {**{key: value for key, value in WINDOW.items() if key != "head_dim"}, "pad_token_id": PAD_ID},
    "opt": {
        **{key: SIZES[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
        "ffn_dim": 64,
        "word_embed_proj_dim": 16,
        "max_position_embeddings": 512,
    },
    "gpt_neox": SIZES,
    "olmo2": {**SIZES, "num_key_value_heads": 2},
    "granite": {**SIZES, "num_key_value_heads": 2, "logits_scaling": 3.0, "attention_multiplier": 0.25},
    "smollm3": {**SIZES, "num_key_value_heads": 2, "no_rope_layers": [1, 0]},
    "stablelm": {**SIZES, "num_key_value_heads": 2},
    "starcoder2": {**{key: value for key, value in WINDOW.items() if key != "head_dim"}},
    "cohere": {**SIZES, "num_key_value_heads": 2, "logit_scale": 0.5},
    "gpt_bigcode": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "n_inner": 64},
    "gpt_oss": {**ALTERNATING, "num_local_experts": 2, "num_experts_per_tok": 1},
}
ENCODER_DECODER: dict[str, dict[str, Any]] = {
    "bart": BART,
    "mbart": BART,
    "pegasus": {**BART, "decoder_start_token_id": PAD_ID},
    "m2m_100": BART,
    "marian": {**BART, "decoder_start_token_id": PAD_ID},
    "blenderbot": {**BART, "decoder_start_token_id": BEGIN_ID},
    "t5": T5,
    "mt5": T5,
    "umt5": T5,
}
BEGINS = ("bart", "mbart", "m2m_100")
"""Families whose sequences begin with a token of their own."""
FAMILIES = {**DECODER_ONLY, **ENCODER_DECODER}
EXPERTS = ("gpt_oss",)
"""Families of which a few tokens do not train every weight."""


def configuration(family: str, **settings: Any) -> PreTrainedConfig:
    """A tiny configuration of a family, with some of its settings changed."""
    tokens = {**TOKENS, **({"bos_token_id": BEGIN_ID} if family in ENCODER_DECODER else {})}
    config: PreTrainedConfig = AutoConfig.for_model(family, **{**tokens, **FAMILIES[family], **settings})
    return config


def random_model(family: str, **settings: Any) -> PreTrainedModel:
    """Random weights, wide enough that outputs differ, biases and the scales of norms included."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = from_configuration(configuration(family, **settings)).eval()
        for parameter in model.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.2)
            else:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model


@cache
def backbone_of(family: str) -> Backbone:
    """A frozen backbone of a family over bytes."""
    layout: Any = "paper" if family in DECODER_ONLY else "bart" if family in BEGINS else "t5"
    return frozen(random_model(family), byte_tokenizer(layout), ModelFiles(None, f"random:{family}", family))

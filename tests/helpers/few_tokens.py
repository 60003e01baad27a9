"""Tiny random models of twelve tokens, so few that hypotheses end, compete and come back within a few steps."""

from types import SimpleNamespace

import torch
from transformers import PreTrainedModel

from prefixrun.models.architectures import random_model
from prefixrun.models.attention import use_prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.tokenizer import Tokenizer
from prefixrun.models.weights import ModelFiles

VOCABULARY, END = 12, 0


def few_tokens(architecture: str) -> PreTrainedModel:
    """The model as the library knows it."""
    model = random_model(architecture).eval().requires_grad_(False)
    model.resize_token_embeddings(VOCABULARY)
    if architecture == "tiny_bart":
        model.final_logits_bias.normal_(generator=torch.Generator().manual_seed(3))
    return model


def few_tokens_backbone(architecture: str, newline: int, layout: str = "paper", **special: int) -> Backbone:
    """The same model with a prefix in its attention, and what Tokenizer needs of an encoding.

    newline: token of a line break. special: further special tokens, as in ``pad_token_id=10``.
    """
    model = few_tokens(architecture)
    use_prefix_attention(model)
    vocabulary = {"Ċ": newline, "ĊĊ": newline + 1, "a": 1} if layout == "paper" else {"Ċ": newline, "a": 1}
    encoding = SimpleNamespace(eos_token_id=END, get_vocab=lambda: vocabulary, **special)
    return Backbone(model, Tokenizer(encoding, layout), ModelFiles(None, "", ""))  # type: ignore[arg-type]

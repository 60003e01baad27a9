"""A decoding as arguments of generate() of transformers."""

from __future__ import annotations

from typing import Any

from prefixrun.config.schema import DecodeConfig
from prefixrun.models.tokenizer import Tokenizer


def library_arguments(config: DecodeConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """Arguments that decode as `config` does, but for length_norm=total, which the library does not have, and the draws
    of a sample, which follow torch's seed there and not decode.seed."""
    arguments: dict[str, Any] = {
        "num_beams": config.beams,
        "do_sample": config.sample,
        "max_new_tokens": config.max_new_tokens,
        "eos_token_id": tokenizer.end,
        "pad_token_id": tokenizer.end,
    }
    if config.beams > 1:
        arguments |= {"length_penalty": config.length_penalty, "early_stopping": False}
    if config.sample:
        arguments |= {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
    if config.outputs > 1:
        arguments["num_return_sequences"] = config.outputs
    if config.min_new_tokens:
        arguments["min_new_tokens"] = config.min_new_tokens
    if config.no_repeat_ngram:
        arguments["no_repeat_ngram_size"] = config.no_repeat_ngram
    if config.repetition_penalty != 1:
        arguments["repetition_penalty"] = config.repetition_penalty
    if config.ban_newlines and (newlines := tokenizer.newlines()):
        arguments["suppress_tokens"] = newlines
    return arguments


def has_library_form(config: DecodeConfig) -> bool:
    """Whether generate() can score beams as the decoding does: by the length of the output alone."""
    return config.beams == 1 or config.length_norm == "generated"

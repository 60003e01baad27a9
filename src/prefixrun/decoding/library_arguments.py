"""A decoding as arguments of generate() of transformers."""

from __future__ import annotations

from typing import Any

from prefixrun.config.schema import DecodeConfig
from prefixrun.models.tokenizer import Tokenizer


def library_arguments(config: DecodeConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """Arguments that decode as `config` does, but for what `difference` names, and for the draws of a sample, which
    follow torch's seed there and not decode.seed. What changes the scores of tokens is always among them: a model's own
    generation_config may set it."""
    arguments: dict[str, Any] = {
        "num_beams": config.beams,
        "do_sample": config.sample,
        "max_new_tokens": config.max_new_tokens,
        "eos_token_id": tokenizer.end,
        "pad_token_id": tokenizer.end,
        "no_repeat_ngram_size": config.no_repeat_ngram,
        "repetition_penalty": config.repetition_penalty,
    }
    if config.beams > 1:
        arguments |= {"length_penalty": config.length_penalty, "early_stopping": False}
    if config.sample:
        arguments |= {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
    if config.outputs > 1:
        arguments["num_return_sequences"] = config.outputs
    if config.min_new_tokens:
        arguments["min_new_tokens"] = config.min_new_tokens
    if config.ban_newlines and (newlines := tokenizer.newlines()):
        arguments["suppress_tokens"] = newlines
    return arguments


def difference(config: DecodeConfig, *, is_seq2seq: bool) -> str | None:
    """What generate() of the library does otherwise, whatever its arguments."""
    if config.beams > 1 and config.length_norm == "total":
        return "divides a beam's score by the length of its output alone, and the run by that of input and output"
    if config.no_repeat_ngram and not is_seq2seq:
        return "counts the n-grams of the input for no_repeat_ngram_size, and the run those of the output alone"
    if config.no_repeat_ngram == 1:
        return "counts the decoder's first token for no_repeat_ngram_size=1, and the run the output alone"
    return None

"""A decoding as arguments of the library; that they decode alike is tested with runs (tests/results/test_loaded.py)."""

from dataclasses import replace
from typing import Any

import pytest

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.library_arguments import difference, library_arguments
from prefixrun.models.tokenizer import byte_tokenizer

GREEDY = DecodeConfig(name="t", beams=1, max_new_tokens=9, length_norm="total", ban_newlines=False, batch_size=8)
PLAIN = {"num_beams": 1, "do_sample": False, "max_new_tokens": 9, "eos_token_id": 256, "pad_token_id": 256}
PLAIN |= {"no_repeat_ngram_size": 0, "repetition_penalty": 1.0}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, {}),
        ({"beams": 3, "length_penalty": 0.8}, {"num_beams": 3, "length_penalty": 0.8, "early_stopping": False}),
        (
            {"sample": True, "outputs": 2, "top_k": 4, "top_p": 0.5, "temperature": 0.7},
            {"do_sample": True, "num_return_sequences": 2, "top_k": 4, "top_p": 0.5, "temperature": 0.7},
        ),
        ({"min_new_tokens": 2, "no_repeat_ngram": 4}, {"min_new_tokens": 2, "no_repeat_ngram_size": 4}),
        ({"repetition_penalty": 1.2, "ban_newlines": True}, {"repetition_penalty": 1.2, "suppress_tokens": [188]}),
    ],
)
def test_each_setting_has_its_argument(changes: dict[str, Any], more: dict[str, Any]) -> None:
    tokenizer = byte_tokenizer("paper")
    arguments = library_arguments(replace(GREEDY, **changes), tokenizer)
    if "suppress_tokens" in more:
        more = {**more, "suppress_tokens": tokenizer.newlines()}
    assert arguments == {**PLAIN, **more}


@pytest.mark.parametrize(
    ("changes", "is_seq2seq", "otherwise"),
    [
        ({}, False, ""),
        ({"beams": 2}, False, "divides a beam's score by the length"),
        ({"beams": 2, "length_norm": "generated"}, False, ""),
        ({"no_repeat_ngram": 2}, False, "counts the n-grams of the input"),
        ({"no_repeat_ngram": 2}, True, ""),
        ({"no_repeat_ngram": 1}, True, "counts the decoder's first token"),
    ],
)
def test_what_the_library_does_otherwise_is_named(changes: dict[str, Any], is_seq2seq: bool, otherwise: str) -> None:
    named = difference(replace(GREEDY, **changes), is_seq2seq=is_seq2seq)
    assert (named or "").startswith(otherwise)
    assert bool(named) == bool(otherwise)

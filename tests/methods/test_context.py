"""What stands in the context, as token ids; tests/methods/test_prompt.py has whole prompts."""

import pytest

from prefixrun.data import Pair
from prefixrun.errors import ConfigError
from prefixrun.methods.context import context_ids, shown_pairs, text_ids
from prefixrun.models.tokenizer import byte_tokenizer

PAIRS = tuple(Pair(f"train-{number}", f"train-{number}", f"s{number}", f"t{number}") for number in range(4))


def test_examples_stand_as_in_training_or_as_lines_of_an_encoder() -> None:
    paper, encoder = byte_tokenizer("paper"), byte_tokenizer("t5")
    (pair,) = PAIRS[:1]
    assert context_ids(paper, " Do ", [pair]) == [*paper.text(" Do"), *paper.source("s0"), *paper.target("t0")]
    assert context_ids(encoder, None, [pair]) == encoder.text("s0 -> t0\n")
    lines = byte_tokenizer("lines")
    assert context_ids(lines, "Do", []) == lines.text("Do\n")


def test_a_chat_has_no_text_before_its_turns() -> None:
    chat = byte_tokenizer("chat")
    assert context_ids(chat, "Do", []) == []


def test_a_text_stands_behind_a_blank() -> None:
    tokenizer = byte_tokenizer()
    assert text_ids(tokenizer, "\n words ") == tokenizer.text(" words")


def test_more_examples_than_pairs_are_refused_with_their_key() -> None:
    assert shown_pairs("key", 0, PAIRS, 0) == ()
    assert len(shown_pairs("key", 4, PAIRS, 0)) == 4
    with pytest.raises(ConfigError, match=r"^init\.examples=5: there are 4 selected training pairs; take fewer"):
        shown_pairs("init.examples", 5, PAIRS, 0)

"""What stands in a model's context: an instruction and examples, or a text, as token ids.

In a decoder-only model an example is a training pair exactly as the model reads one in training: input, separator,
target, END. So the examples show where an output ends. In an encoder-decoder all of it stands in the encoder's input,
as lines of text: the instruction, each example as "input -> target", and the input. In a chat the instruction stands
in the user's turn of every example and input, and no text is before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefixrun.data.example import Pair
from prefixrun.data.subset import choose
from prefixrun.errors import ConfigError

if TYPE_CHECKING:
    from prefixrun.models.tokenizer import Tokenizer


def shown_pairs(key: str, count: int, pairs: Sequence[Pair], seed: int) -> tuple[Pair, ...]:
    """`count` of the selected training pairs as examples, in their order, chosen with `seed`.

    Raises ConfigError, with the setting `key` that asks for them, when there are not so many.
    """
    if count > len(pairs):
        raise ConfigError(
            f"{key}={count}: there are {len(pairs)} selected training pairs; take fewer examples or more pairs"
        )
    return choose(tuple(pairs), count, seed) if count else ()


def context_ids(tokenizer: Tokenizer, instruction: str | None, pairs: Sequence[Pair]) -> list[int]:
    """Ids of an instruction and examples, in front of each input; a token that sequences begin with stands first."""
    if tokenizer.for_encoder:
        return _of_encoder(tokenizer, instruction, pairs)
    if tokenizer.chat is not None:
        instruction = None
    lines, begin = tokenizer.layout == "lines", tokenizer.begin
    ids = list(begin)
    if instruction:
        ids += tokenizer.text(f"{instruction.strip()}\n" if lines else f" {instruction.strip()}")
    for pair in pairs:
        ids += [
            *tokenizer.source(pair.source)[len(begin) :],
            *tokenizer.target(pair.target),
            *(tokenizer.text("\n") if lines else []),
        ]
    return ids


def text_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of a text behind a blank, as the words of init=words stand."""
    return tokenizer.text(f" {text.strip()}")


def _of_encoder(tokenizer: Tokenizer, instruction: str | None, pairs: Sequence[Pair]) -> list[int]:
    """Lines without the tokens that frame a sequence; T5's tokenizer reads a line break as a blank."""
    ids = tokenizer.text(f"{instruction.strip()}\n") if instruction else []
    for pair in pairs:
        framed = tokenizer.source(pair.source)
        ids += framed[len(tokenizer.begin) : len(framed) - len(tokenizer.source_end)]
        ids += tokenizer.text(f" -> {pair.target}\n")
    return ids

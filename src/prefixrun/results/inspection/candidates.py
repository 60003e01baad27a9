"""The tokens that a prefix is compared with, and how one is written out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from prefixrun.console import visible

if TYPE_CHECKING:
    from prefixrun.models.tokenizer import Tokenizer

_WORD = re.compile(r"[Ġ▁][^\W\d_]{3,}")
"""A token that is a word with the blank before it, as byte-level BPE and SentencePiece write it."""


def candidates(tokenizer: Tokenizer, start: Sequence[int], texts: Iterable[Sequence[int]], count: int) -> list[int]:
    """At most `count` ids: those of `start`; the most frequent ones of `texts`, up to half of `count`; then all others,
    words first, from the lowest id on, which tokenizers give to what was frequent in their training.

    Special tokens are left out.
    """
    special = set(tokenizer.special())
    frequent = [index for index, _ in Counter(index for ids in texts for index in ids).most_common()]
    vocabulary = tokenizer.base.get_vocab()
    words = sorted(index for token, index in vocabulary.items() if _WORD.fullmatch(token))
    ordered = dict.fromkeys(index for index in (*start, *frequent) if index not in special)
    ordered = dict.fromkeys(islice(ordered, max(len(set(start)), count // 2)))
    ordered |= dict.fromkeys(index for index in (*words, *sorted(vocabulary.values())) if index not in special)
    return list(islice(ordered, count))


def written(tokenizer: Tokenizer, index: int) -> str:
    """A token as people read it: ␣ for a blank; a part of a character as the tokenizer names it."""
    base: Any = tokenizer.base
    text = str(base.decode([index]))
    if not text or "\ufffd" in text:
        text = str(base.convert_ids_to_tokens(index))
    return visible(text.replace(" ", "␣").replace("▁", "␣")).replace("\n", "\\n").replace("\t", "\\t")


def written_text(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of tokens behind each other, on one line."""
    return " ".join(visible(str(tokenizer.base.decode(list(ids)))).split())

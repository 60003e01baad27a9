"""The tokens that METEOR, ROUGE_L and CIDEr of the E2E script see: Penn Treebank tokens, lower case, no punctuation.

The script calls Stanford CoreNLP 3.4.1 (Java) with ``-preserveLines -lowerCase`` and drops punctuation tokens. For
restaurant descriptions the rules below give the same tokens; abbreviations, brackets, quotation marks, slashes and per
cent signs would need the full lexer.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("£", " # "),  # the lexer writes pounds as a hash
        (r"\$", " $ "),
        (r"([;:?!])", r" \1 "),
        (r"\.{2,}", " ... "),
        (r"(?<!\.)\.(?=[^\w,.]|_)", " . "),  # a full stop that nothing of a word or number follows
        (r"(?<!\d),|,(?!\d)", " , "),
        (r"(?<=\w)n't\b", " n't "),
        (r"(?<=[^\W\d_])('(?:s|m|d|ll|re|ve))(?=\s|[^\w'])", r" \1 "),
        (r"(?<=\s)'(?=[^\W_])(?!(?:s|m|d|ll|re|ve)\s)|(?<=\w)'(?=\s)", " ' "),  # at the edges of a word
        ("--", " -- "),
        (r"(?<=\w)-(?=\s)", " - "),
        (r"(?<=\s)\.(?=\w)", " . "),
        (r"\bcannot\b", "can not"),
    )
)
_DROPPED = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
"""As in the E2E script, which also lists brackets, but as ``-LRB-``: they come out lower-cased and so stay."""


@lru_cache(maxsize=65536)
def ptb_tokens(text: str) -> tuple[str, ...]:
    """The tokens of one text; white space of any kind only separates."""
    spaced = f" {' '.join(text.lower().split())} "
    for pattern, replacement in _RULES:
        spaced = pattern.sub(replacement, spaced)
    return tuple(token for token in spaced.split() if token not in _DROPPED)

"""The tokens that METEOR, ROUGE_L and CIDEr of the E2E script see: Penn Treebank tokens, lower case, no punctuation.

The script calls Stanford CoreNLP 3.4.1 (Java) with ``-preserveLines -lowerCase`` and drops punctuation tokens. A text
has the tokens here that the lexer gives to a file of that one line: white space within the text, line separators too,
only separates. As in the lexer the longest match wins, the first rule of equally long matches; a match may look further
than its token. A character that no rule matches is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prefixrun.metrics.ptb_characters import DIGIT, LETTER, MARK, classes
from prefixrun.metrics.ptb_rules import ANY, RULES, Rule

_PLAIN = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*(?=,?[ \n])")
"""Most words: no rule but for `_JOINED` makes anything else of them."""
_JOINED = frozenset(("cannot", "gonna", "gotta", "wanna", "gimme", "lemme"))
_LETTERS = frozenset(f"{LETTER}{MARK}\xad\u0130\u0131\u017f\u212a")
"""Beyond ASCII."""
_DROPPED = frozenset(("", "''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
"""As in the E2E script, which also lists brackets, but as ``-LRB-``: they come out lower-cased and so stay."""


@lru_cache(maxsize=65536)
def ptb_tokens(text: str) -> tuple[str, ...]:
    """The tokens of one text. A token of several words, such as a telephone number, has no-break spaces in it."""
    tokens = (token.lower() for token in _tokens(text.replace("\n", " ") + "\n"))
    return tuple(token for token in tokens if token not in _DROPPED)


def _tokens(text: str) -> Iterator[str]:
    """The lexer's tokens of a line."""
    at, signs = 0, classes(text)
    while at < len(text):
        if signs[at] == " ":
            at += 1
            continue
        plain = _PLAIN.match(signs, at)
        if plain and plain.group().lower() not in _JOINED:
            yield plain.group()
            at = plain.end()
            continue
        matches = ((match, rule) for rule in _rules_from(signs[at]) if (match := rule.pattern.match(signs, at)))
        longest, rule = max(matches, key=lambda match: match[0].end(), default=(None, None))
        if longest is None or rule is None:
            at += 1
            continue
        end = longest.end(longest.lastindex or 0)
        yield rule.written(text[at:end])
        at = end


@lru_cache(maxsize=256)
def _rules_from(character: str) -> tuple[Rule, ...]:
    """The rules for a token that begins with the character of a class."""
    kinds = {character}
    if character in _LETTERS or (character.isascii() and character.isalpha()):
        kinds.add("a")
    elif character == DIGIT or character in "0123456789":
        kinds.add("1")
    return tuple(rule for rule in RULES if rule.first == ANY or not kinds.isdisjoint(rule.first))

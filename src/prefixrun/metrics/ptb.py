"""The tokens that METEOR, ROUGE_L and CIDEr of the E2E script see: Penn Treebank tokens, lower case, no punctuation.

The script calls Stanford CoreNLP 3.4.1 (Java) with ``-preserveLines -lowerCase`` and drops punctuation tokens. The
patterns below give the same tokens for all published outputs and references of E2E, and for nearly all sentences of
DART, WebNLG and XSUM. As in that lexer the longest match wins, the first pattern of equally long ones; a match may look
further than its token, which is then its first group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# letters and digits with combining accents, but not the signs that Python also counts as numeric (², ½)
_ALNUM = r"(?:(?![_\u00b2\u00b3\u00b9\u00bc-\u00be\u2150-\u218b])[\w\u0300-\u036f])"
_LETTER = rf"(?:(?!\d){_ALNUM})"
_APOS = r"['’‘]"
_ABBREVIATIONS = (
    "adm|adv|al|ala|alex|apr|ariz|assn|assoc|asst|attys?|aug|ave|bancorp|bhd|bldg|blvd|brig|bros|calif|capt|cf|cie|cmdr|"
    "cos?|col|colo|comdr|conn|corp|cpl|ct|dak|dec|dept|det|drs?|elec|esq|est|etc|ext|feb|fla|fri|ft|ga|gen|govs?|hon|"
    "inc|ind|intl|invt|jan|jos|jr|jul|jun|kans?|ky|lieut|lt|ltd|maj|mar|md|messrs|mich|minn|mo|mon|mont|mrs?|ms|mt|"
    "natl|neb|nev|nov|oct|okla|p|penn|tenn|pfc|ph|plc|pres|profs?|pvt|rd|reps?|rev|rt|sens?|sept?|seq|sgt|spc|sq|sr|ste?|"
    "supts?|sys|thu|thurs|treas|tues?|univ|va|vs|vt|wed|wisc?|wm|wyo"
)
_CAPITAL_ABBREVIATIONS = (
    "A(?:rk|RK|z|Z)|D(?:el|EL)|I(?:ll|LL)|L[aA]|M(?:ass|ASS|iss|ISS)|O(?:re|RE)|P[aA]|T(?:ex|EX)|W(?:ash|ASH)"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"</?[A-Za-z!?][^<>\s]*>",  # mark-up
        r"&(?:[lL][tT]|[gG][tT]|#\d+);",
        rf"(?i:(can(?=not)|[gw][oa]n(?=na)|got(?=ta)|[gl][ie]m(?=me)))[nmt][oae]t?(?!{_ALNUM})",
        rf"((?:{_ALNUM}+-)*{_ALNUM}+?)[nN]{_APOS}[tT](?!{_ALNUM})",
        rf"[nN]{_APOS}[tT](?!{_ALNUM})",
        rf"{_LETTER}{_ALNUM}*(?:[.!?]{_LETTER}{_ALNUM}*)*",  # a word; "it.The" is one
        rf"(?:[dDoOlL]{_APOS}(?={_ALNUM}))?{_ALNUM}+(?:[-_](?:[dDoOlL]{_APOS})?{_ALNUM}+)*",
        r"[A-Za-z0-9][A-Za-z0-9.,]*(?:-[A-Za-z0-9]+)+",  # 1.5-litre
        r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}",  # and/or
        r"[A-Z]+(?:[+&][A-Z]+)+",
        r"[Cc](?:\+\+|#)",
        rf"(?i:({_APOS}(?:[msd]|re|ve|ll))(?!{_ALNUM}))",
        rf"(?i:({_APOS}t)(?:is|was)(?!{_ALNUM}))",
        rf"{_APOS}n{_APOS}?|[lLdDjJ]{_APOS}(?={_ALNUM})|ol{_APOS}|{_APOS}em(?!{_ALNUM})|{_APOS}[2-9]0s|{_APOS}till?(?!{_ALNUM})",
        rf"[A-HJ-XZn]{_APOS}{_LETTER}{{2,}}|{_LETTER}+[aeiouyAEIOUY]{_APOS}[aeiouA-Z]{_LETTER}*|[yY]{_APOS}(?={_LETTER})",
        rf"{_APOS}\d\d(?!\d)",
        r"[-+]?(?:\d*(?:[.:,]\d+)+|\d+)",
        r"https?://[^\s\"<>|()]*[^\s\"<>|.!?(){},-]",
        r"www\.(?:[^\s\"<>|.!?(){},]+\.)+[A-Za-z]{2,4}",
        r"[A-Za-z0-9][^\s\"<>|()@]*@[^\s\"<>|()]*[^\s\"<>|().,!?;:]",
        r"[@#][A-Za-z_]\w*",
        rf"(?i:{_ABBREVIATIONS}|[mp]tg|mfg|pt(?:y|e)s?)\.|(?:{_CAPITAL_ABBREVIATIONS})\.|(?:Ph|Ed)\.D\.?",
        r"[A-Za-z](?:\.[A-Za-z])+\.|[A-Z]\.|(?<!\d)[a-z]\.(?!\s[A-Z])",  # U.K., initials
        r"((?i:nos?|figs?|pp|op|ca)\.)\s?\d",
        rf"({_ALNUM}+(?:[-_]{_ALNUM}+)*\.)[,;:]",
        r"([<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]])(?![A-Za-z])|[-^x=~<>']_[-^x=~<>']",  # smileys
        r"[A-Z]*\$",
        r"[?!]+",
        r"--+|\.\.+|''|``",
        r"\S",
    )
)
_PLAIN = re.compile(r"[A-Za-z]+(?=\s)")
_JOINED = frozenset(("cannot", "gonna", "gotta", "wanna", "gimme", "lemme"))
_WRITTEN = {
    "£": "#", "€": "$", "½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "&lt;": "<", "&gt;": ">",
    "n’t": "n't", "n‘t": "n't",
    **{f"{sign}{ending}": f"'{ending}" for sign in "’‘" for ending in ("s", "m", "d", "ll", "re", "ve")},
}  # fmt: skip
_BRACKETS = str.maketrans({"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"})
_ENTITIES = (("&amp;", "&"), ("&quot;", '"'), ("&apos;", "'"), ("&nbsp;", " "), ("\u00ad", ""))
_DROPPED = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", ";", '"', *"“”„«»–—…’‘"))
"""As in the E2E script, which also lists brackets, but as ``-LRB-``: they come out lower-cased and so stay."""


@lru_cache(maxsize=65536)
def ptb_tokens(text: str) -> tuple[str, ...]:
    """The tokens of one text; white space of any kind only separates."""
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = " ".join(text.split()) + " "
    lower = (token.lower() for token in _tokens(text))
    return tuple(
        _WRITTEN.get(token, token).translate(_BRACKETS)
        for token in lower
        if token not in _DROPPED and not token.startswith(("..", "--"))
    )


def _tokens(text: str) -> Iterator[str]:
    """The lexer's tokens of a text in which single blanks separate and end."""
    at = 0
    while at < len(text):
        plain = _PLAIN.match(text, at)
        if plain and plain.group().lower() not in _JOINED:
            token = plain.group()
        elif text[at] == " " or ord(text[at]) > 0xFFFF:  # the lexer passes over emoji
            at += 1
            continue
        else:
            matches = (match for pattern in _PATTERNS if (match := pattern.match(text, at)))
            longest = max(matches, key=re.Match.end)
            token = longest.group(longest.lastindex or 0)
        yield token
        at += len(token)

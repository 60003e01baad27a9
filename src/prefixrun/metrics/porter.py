"""The stemmer of ROUGE-1.5.5: Porter's of 1980 with another step 4, which can take off several suffixes.

So ``environmental`` and ``environment`` both become ``environ``, where Porter's paper and nltk keep them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_VOWELS = frozenset("aeiou")
_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = dict.fromkeys(
    ("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ou", "ism", "ate", "iti", "ous", "ive", "ize"),
    "",
)


def stem(word: str) -> str:
    """The stem of a word in lower-case letters and digits."""
    if len(word) < 3:
        return word
    word = _past_and_plural(word)
    word = _exchange(word, _STEP_2, least=1)
    word = _exchange(word, _STEP_3, least=1)
    # step 4, where Porter takes off one suffix only; sion and tion need more than an ion
    word = _exchange(word, _STEP_4, least=2)
    word = _exchange(word, {"ment": ""}, least=2)
    if word.endswith("ent"):
        word = _exchange(word, {"ent": ""}, least=2)
    elif word.endswith(("sion", "tion")):
        word = _exchange(word, {"ion": ""}, least=2)
    # step 5
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word


def _past_and_plural(word: str) -> str:
    """Steps 1a to 1c."""
    if word.endswith(("sses", "ies")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        word = word[:-1] if _measure(word[:-3]) > 0 else word
    elif (ending := re.search("(ed|ing)$", word)) and "v" in _shape(word[: ending.start()]):
        word = word[: ending.start()]
        if word.endswith(("at", "bl", "iz")) or (not _double(word) and _short(word)):
            word += "e"
        elif _double(word):
            word = word[:-1]
    if word.endswith("y") and "v" in _shape(word[:-1]):
        word = word[:-1] + "i"
    return word


def _exchange(word: str, suffixes: Mapping[str, str], least: int) -> str:
    """Exchange the longest of the suffixes that the word has, if what is before it has the least measure."""
    suffix = max((suffix for suffix in suffixes if word.endswith(suffix)), key=len, default=None)
    if suffix is None or _measure(word.removesuffix(suffix)) < least:
        return word
    return word.removesuffix(suffix) + suffixes[suffix]


def _shape(word: str) -> str:
    """``c`` and ``v`` for each letter; a y is a vowel after a consonant."""
    shape = ""
    for letter in word:
        shape += "v" if letter in _VOWELS or (letter == "y" and shape.endswith("c")) else "c"
    return shape


def _measure(word: str) -> int:
    """How often a consonant follows a vowel: Porter's m."""
    return _shape(word).count("vc")


def _short(word: str) -> bool:
    """Consonants, one vowel, and a last consonant other than w, x and y: Porter's *o."""
    return re.fullmatch("c+vc", _shape(word)) is not None and word[-1] not in "wxy"


def _double(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and word[-1] not in "aeiouylsz"

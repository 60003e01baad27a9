"""What the references are written in: words for scripts of any kind, and which metrics have no number for a script.

A tokenizer for English drops or joins what it does not know: rouge-score keeps a-z and 0-9 alone, and tokens between
blanks are whole sentences in Chinese. A score made of that says nothing, so it has no value but a reason.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from prefixrun.metrics.base import Reads, References

_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Han, Kana and Bopomofo. Korean is written with blanks."""

_REASONS = {
    "words between blanks": "it counts words between blanks, and most letters of the references belong to a script "
    "without them; chrF, BLEU-CHAR and ROUGE-1, -2, -L of task.metrics=[...] count characters there",
    "letters a to z": "it reads the letters a to z alone, and most letters of the references are others; ROUGE-1, "
    "ROUGE-2 and ROUGE-L of task.metrics=[...] read every script",
}


def words(text: str) -> list[str]:
    """Lower-case words of a text in any script: runs of letters, marks and digits.

    Of a script that is written without blanks every letter, with its marks, is a word. For ASCII texts these are the
    tokens of rouge-score without a stemmer.
    """
    words_of_text: list[str] = []
    for kind, run in groupby(unicodedata.normalize("NFC", text.lower()), _kind):
        if kind == "word":
            words_of_text.append("".join(run))
        elif kind == "single":
            for character in run:
                if unicodedata.category(character)[0] == "M" and words_of_text:
                    words_of_text[-1] += character
                else:
                    words_of_text.append(character)
    return words_of_text


def why_not(reads: Reads, references: References) -> str | None:
    """Why a metric that reads so much has no number for the references; None when it has."""
    if reads == "any writing":
        return None
    ascii_letters, others, without_blanks = _letters(references)
    unread = without_blanks if reads == "words between blanks" else others
    return _REASONS[reads] if 2 * unread > ascii_letters + others else None


@lru_cache(maxsize=8)
def _letters(references: References) -> tuple[int, int, int]:
    """Numbers of the letters a to z, of other letters, and of those of the latter in scripts without blanks."""
    ascii_letters = others = without_blanks = 0
    for text in (text for segment in references for text in segment):
        if text.isascii():
            ascii_letters += sum(map(str.isalpha, text))
        else:
            letters = [character for character in text if character.isalpha()]
            in_ascii = sum(map(str.isascii, letters))
            ascii_letters, others = ascii_letters + in_ascii, others + len(letters) - in_ascii
            without_blanks += sum(_WITHOUT_BLANKS.match(letter) is not None for letter in letters)
    return ascii_letters, others, without_blanks


@lru_cache(maxsize=1 << 16)
def _kind(character: str) -> str:
    if unicodedata.category(character)[0] not in "LMN":
        return ""
    return "single" if _WITHOUT_BLANKS.match(character) else "word"

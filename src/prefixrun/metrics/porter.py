"""The stemmer of ROUGE-1.5.5: Porter's of 1980 with another step 4, which can take off several suffixes.

So ``environmental`` and ``environment`` both become ``environ``, where Porter's paper and nltk keep them apart.
"""

from __future__ import annotations

from nltk.stem.porter import PorterStemmer  # type: ignore[import-untyped]

_SUFFIXES = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant"),
    *("ement", "ou", "ism", "ate", "iti", "ous", "ive", "ize"),
)


class Rouge155Stemmer(PorterStemmer):  # type: ignore[misc]
    """nltk's stemmer by the rules of Porter's own program, with two steps as in ROUGE-1.5.5."""

    def __init__(self) -> None:
        super().__init__(PorterStemmer.MARTIN_EXTENSIONS)

    def _step4(self, word: str) -> str:
        """Take off one suffix of each of three groups, where Porter takes off one in all."""
        word = self._apply_rule_list(word, [(suffix, "", self._is_long) for suffix in _SUFFIXES])
        word = self._apply_rule_list(word, [("ment", "", self._is_long)])
        after_s_or_t = ("ion", "", lambda stem: stem.endswith(("s", "t")) and self._is_long(stem))
        return str(self._apply_rule_list(word, [("ent", "", self._is_long), after_s_or_t]))

    def _is_long(self, stem: str) -> bool:
        """Whether a consonant follows a vowel more than once: Porter's m > 1."""
        return bool(self._measure(stem) > 1)

    def _ends_double_consonant(self, word: str) -> bool:
        """Step 1b shortens no double y."""
        return not word.endswith("y") and bool(super()._ends_double_consonant(word))

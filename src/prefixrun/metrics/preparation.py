"""What each official script does to outputs and references before it compares them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU
from unidecode import unidecode

from prefixrun.metrics.base import References
from prefixrun.metrics.ptb import ptb_tokens
from prefixrun.metrics.reference_store import stored

_SIGN = re.compile(r"(\W)")
_mteval_13a = BLEU(tokenize="13a").tokenizer
_characters = BLEU(tokenize="char").tokenizer


@dataclass(frozen=True, slots=True)
class Preparation:
    """Text as a system or an annotator wrote it -> tokens with spaces between them."""

    name: str
    output: Callable[[str], str]
    reference: Callable[[str], str]

    def references(self, references: References) -> References:
        """Every reference prepared: a text once in a process, whichever metrics and parts of a corpus need it."""
        prepared = _prepared.setdefault(self.name, {})
        missing = list(dict.fromkeys(text for texts in references for text in texts if text not in prepared))
        prepared.update(zip(missing, stored(self.name, missing, self.reference), strict=True))
        return tuple(tuple(prepared[text] for text in texts) for texts in references)


_prepared: dict[str, dict[str, str]] = {}
"""Name of a preparation -> reference -> prepared reference."""


def _lower_13a(text: str) -> str:
    """As sacrebleu with ``tokenize="13a", lowercase=True``."""
    tokens: str = _mteval_13a(text.lower().rstrip())
    return tokens


def _cased_13a(text: str) -> str:
    tokens: str = _mteval_13a(text.rstrip())
    return tokens


def _each_character(text: str) -> str:
    tokens: str = _characters(text.rstrip())
    return tokens


def _ptb(text: str) -> str:
    return " ".join(ptb_tokens(text))


def _split_signs(text: str) -> str:
    """Every character that cannot be part of a word becomes a token; white space is squeezed."""
    return " ".join(_SIGN.sub(r" \1 ", text).split())


def _webnlg_output(text: str) -> str:
    return _split_signs(unidecode(unidecode(text.strip()).lower()))


def _webnlg_reference(text: str) -> str:
    """A sign that unidecode turns into letters or several signs stays one token here, perhaps in capitals."""
    return unidecode(_split_signs(text).lower())


def _dart(text: str) -> str:
    """Accents stay."""
    return _split_signs(text).lower()


MTEVAL_13A = Preparation("13a", _lower_13a, _lower_13a)
"""BLEU and NIST of E2E: mteval-v13a's tokens, lower case."""
CASED = "-cased"
MTEVAL_13A_CASED = Preparation(f"13a{CASED}", _cased_13a, _cased_13a)
CHARACTERS = Preparation("char", _each_character, _each_character)
"""BLEU of own tasks, as sacrebleu has it without options, and with a token for each character."""
PTB = Preparation("ptb", _ptb, _ptb)
"""METEOR, ROUGE_L and CIDEr of E2E: Penn Treebank tokens, lower case, no punctuation."""
WEBNLG_2017 = Preparation("webnlg2017", _webnlg_output, _webnlg_reference)
"""All metrics of WebNLG: ASCII and signs split, in another order on either side."""
DART = Preparation("dart", _dart, _dart)
"""All metrics of DART. The script takes outputs as they are: they are brought into the form of the references here."""

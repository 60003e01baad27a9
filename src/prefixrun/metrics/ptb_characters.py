"""Classes of characters of the Penn Treebank lexer (CoreNLP 3.4.1). Its letters and digits are those of Unicode 6.1."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LETTER, MARK, DIGIT, SYMBOL, BLANK, NEW_LINE, NOTHING = "\u00e9", "\u0301", "\u0660", "\u00a7", "\u2000", "\x0b", "\x01"
"""One character for all of its class: a letter beyond ASCII, a sign that stands in words, a digit, a sign that is a
token, a blank, a line separator, and a character that the lexer passes over."""


def _codes(ranges: str) -> frozenset[int]:
    """Code points of ranges like ``0041-005A 00AA``."""
    bounds = (entry.partition("-") for entry in ranges.split())
    return frozenset(code for first, _, last in bounds for code in range(int(first, 16), int(last or first, 16) + 1))


_LITERAL = frozenset(
    map(
        ord,
        "\u0130\u0131\u017f\u212a"  # they match i, s and k where the case is ignored
        "\r\f\x85\xa0\xad"
        "\x80\u00a2\u00a3\u00a4\u00a5\u060b\u0e3f\u20a0\u20a4\u20ac\uffe0\uffe1\uffe5\uffe6"  # currencies
        "\x91\x92\u2018\u2019\u201b\x93\x94\u00ab\u00bb\u201a\u201c\u201d\u201e\u201f\u2039\u203a"  # quotation marks
        "\x96\x97\u2013\u2014\u2015\u2026\u3001\u066b\u066c\u058a\u2010\u2011\u2044"
        "\u00b2\u00b3\u00b9\u2070\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u208a\u208b",
    )
) | _codes("2080-2089 00BC-00BE 2153-215E")
"""Characters that rules name."""
_MARKS = _codes(
    "02C2-02C5 02D2-02DF 02E5-02EB 02ED 02EF-036F 0375 0378-0379 0384-0385 03F6 0483-0487 055A-055F 0591-05BD "
    "05BF 05C1-05C2 05C4-05C5 05C7 0615-061A 064B-065E 0670 06D6-06E4 06E7-06ED 06FD-06FE 070F 0711 0730-074C "
    "07A6-07B0 07EB-07F3 0900-0903 093C 093E-094E 0951-0955 0962-0963 0981-0983 09BC 09BE-09C4 09C7-09C8 "
    "09CB-09CD 09D7 09E2-09E3 0A01-0A03 0A3C 0A3E-0A4F 0A81-0A83 0ABC 0ABE-0ACF 0B82 0BBE-0BC2 0BC6-0BC8 "
    "0BCA-0BCD 0C01-0C03 0C3E-0C56 0D3E-0D44 0D46-0D48 0E31 0E34-0E3A 0E47-0E4E 0EB1 0EB4-0EBC 0EC8-0ECD"
)
_SYMBOLS = _codes(
    "00A1 00A6-00A9 00AC 00AE-00B1 00B4 00B6-00B8 00BF 00D7 00F7 037E 0387 0589 05BE 05C0 05C3 05C6 05F3-05F4 "
    "0600-0603 0606-060A 060C 0614 061B 061E-061F 066A 066D 06D4 0700-070D 07F6-07F8 0964-0965 0E4F 1FBD "
    "2016-2017 2020-2023 2030-2038 203B 203E-2042 207C-207E 208C-208E 2100-2101 2103-2106 2108-2109 2114 "
    "2116-2118 211E-2123 2125 2127 2129 212E 213A-213B 2140-2144 214A-214D 214F 2190-2BFF 3002 3012 30FB "
    "FF01-FF0F FF1A-FF20 FF3B-FF40 FF5B-FF65"
)
_BLANKS = _codes("2000-200A 3000")
_NEW_LINES = _codes("2028-2029")
_LATER = _codes(
    "037E-0385 0528-0530 055A-0560 0588-05CF 05EB-05EF 0859-089F 08A1 08AD-0903 0978 0980-0984 09F2-0A04 "
    "0AF0-0B04 0C34 0C5A-0C5F 0C70-0C84 0CBE-0CDD 0CF3-0D04 0D4F-0D5F 0DE6-0DEF 0E85-0E86 0E89 0E8B-0E8C "
    "0E8E-0E93 0E98 0EA0 0EA8-0EA9 0EAC 13F5-1400 16EB-16FF 170D 1712-171F 1878-187F 191D-1945 19AC-19C0 "
    "19C8-19CF 19DA-19FF 1B4C-1B4F 1C7E-1CE8 1CF2-1CF4 1CF7-1CFF 2C2F 2C5F 312E-3130 31BB-31EF 4DB6-4DFF "
    "9FCD-9FFF A698-A69F A78F A794-A79F A7AB-A7F7 A8FC-A8FF A9DA-A9FF AA7B-AA7F AB2F-ABBF"
)
"""Letters and digits that Unicode has had only since 6.1, with the unassigned code points around them."""
_ONCE_LETTERS = _codes("1885-1886")


class _Classes(dict[int, str]):
    """Table for ``str.translate``: a character of the rules stays, any other becomes that of its class."""

    def __missing__(self, code: int) -> str:
        self[code] = character_class = _class(code)
        return character_class


def _class(code: int) -> str:
    if code < 0x80 or code in _LITERAL:
        return chr(code)
    if code > 0xFFFF:
        return NOTHING
    for character, codes in _NAMED:
        if code in codes:
            return character
    category = unicodedata.category(chr(code))
    return LETTER if category.startswith("L") else DIGIT if category == "Nd" else NOTHING


_NAMED: tuple[tuple[str, Iterable[int]], ...] = (
    (MARK, _MARKS), (SYMBOL, _SYMBOLS), (BLANK, _BLANKS), (NEW_LINE, _NEW_LINES), (NOTHING, _LATER),
    (LETTER, _ONCE_LETTERS),
)  # fmt: skip
_CLASSES = _Classes()


def classes(text: str) -> str:
    """The text with every character replaced by that of its class, at the same position."""
    return text if text.isascii() else text.translate(_CLASSES)

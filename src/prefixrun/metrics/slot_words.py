"""How English restaurant descriptions word the values of E2E's slots: regular expressions for lower-case words."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CHILD = "(family|families|kids?|child|children)"
_RATING = "(customers?|ratings?|rated|rates?|reviews?|reviewed|stars?|scores?|quality)"
_PRICE = "(prices?|priced|pricing|costs?|range)"
_STARS = {"1": "(1|one)", "3": "(3|three)", "5": "(5|five)"}


def _level(words: str, of: str) -> str:
    """Pattern of a level and the noun it belongs to, in either order, with at most one word between."""
    return rf"\b({words}) (\w+ )?{of}\b|\b{of} (\w+ )?((is|are|of|a) )*({words})\b"


def _stars(number: str) -> str:
    return rf"\b{_STARS[number]} (out )?of (5|five)\b|\b{_STARS[number]} stars?\b|\b{number} / 5\b"


_WORDINGS = {
    "Type": {
        "coffee shop": r"\b(coffee|cafe)\b",
        "pub": r"\bpubs?\b",
        "restaurant": r"\b(restaurants?|diner|dining)\b",
    },
    "food": {
        "Chinese": r"\bchinese\b",
        "English": r"\b(english|british)\b",
        "Fast food": r"\bfast food\b",
        "French": r"\bfrench\b",
        "Indian": r"\bindian\b",
        "Italian": r"\bitalian\b",
        "Japanese": r"\bjapanese\b",
    },
    "price": {
        "cheap": r"\b(cheap(ly)?|inexpensive|affordable)\b|" + _level("low|lower", _PRICE),
        "moderate": _level("moderate(ly)?|average|mid|medium|reasonabl[ey]", _PRICE),
        "high": r"\b(expensive|pricey)\b|" + _level("high(er|ly)?", _PRICE),
        "less than £ 20": r"\b(less than|under|below|lower than|cheaper than) £? ?20\b",
        "£ 20 - 25": r"\b20 ?(-|to|and) ?£? ?25\b",
        "more than £ 30": r"\b(more than|over|above|higher than) £? ?30\b|\b30 (and|or) (up|more|above)\b",
    },
    "customer rating": {
        "low": _level("low(ly)?|poor(ly)?|bad(ly)?", _RATING),
        "average": _level("average(ly)?|mid|moderate(ly)?|decent", _RATING),
        "high": _level("high(ly)?|good|great|excellent|well", _RATING),
        "1 out of 5": _stars("1"),
        "3 out of 5": _stars("3"),
        "5 out of 5": _stars("5"),
    },
    "area": {
        "city centre": r"\b(city|town) cent(re|er)\b|\bcent(re|er) of\b|\bin the cent(re|er)\b",
        "riverside": r"\briver ?(side|bank)?\b",
    },
}
WORDINGS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    slot: {value: re.compile(pattern) for value, pattern in values.items()} for slot, values in _WORDINGS.items()
}
"""Slot -> value -> pattern of its wordings; slots and values as the paper's code writes them."""

FRIENDLY = re.compile(
    rf"\b{_CHILD} - (friendly|oriented)|\b{_CHILD} (are )?(friendly|oriented|welcome|allowed)"
    rf"|\b(friendly|suitable|good|great|for|welcom\w+|allows?|bring) (to |for |the |whole |your |all )*{_CHILD}\b"
)
"""Wordings of children as welcome guests, also inside a negation: look for ``NOT_FRIENDLY`` first."""
NOT_FRIENDLY = re.compile(
    rf"\b(not|n't|no|non|without|unsuitable)\b[^.]{{0,40}}\b{_CHILD}\b|\b{_CHILD}\b[^.]{{0,20}}\b(not|n't)\b"
    r"|\badults?\b|\bunfriendly\b"
)
"""Wordings of children as unwelcome guests."""

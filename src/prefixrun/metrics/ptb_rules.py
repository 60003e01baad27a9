"""The rules of the Penn Treebank lexer (CoreNLP 3.4.1) for one line of text, with its options of the E2E script."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from prefixrun.metrics.ptb_characters import BLANK, DIGIT, LETTER, MARK, NEW_LINE, SYMBOL

ANY = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of token."""

    first: str
    """Characters that it can begin with: ``a`` for all letters, ``1`` for all digits; ``ANY`` if not listed."""
    pattern: re.Pattern[str]
    """Of a text in which characters stand for their classes; the token is the group that matched, if there is one."""
    written: Callable[[str], str]
    """Characters of a token -> the token as the lexer writes it, before lower-casing."""


_L = f"A-Za-z{LETTER}\u0130\u0131\u017f\u212a"
_D = f"0-9{DIGIT}"
_SPACE = f" \t\u00a0{BLANK}"
_GAP = rf"(?:\r\n|[{_SPACE}\n\r\f\x85{NEW_LINE}])"
_ACCENTED = r"&[aeiouAEIOU](?i:acute|grave|uml);"
_IN_WORD = rf"(?:[{_L}{MARK}\xad]|{_ACCENTED})"
_LETTER_OR_DIGIT = rf"(?:[{_L}{_D}{MARK}\xad]|{_ACCENTED})"
_WORD = rf"{_IN_WORD}{_LETTER_OR_DIGIT}*+"
_WORDS = rf"{_WORD}(?:[.!?]{_WORD})*+"  # "it.The" is one
_APOS = r"(?:['\x92\u2019]|(?i:&apos;))"
_ANY_APOS = r"(?:['`\x92\u2019\x91\u2018\u201b]|(?i:&apos;))"
_APOSTROPHES = "'\x92\u2019&"
_HYPHEN = r"[-_\u058a\u2010\u2011]"
_COMPOUND = rf"(?:[dDoOlL]{_ANY_APOS}[{_L}{_D}])?[{_L}{_D}]+(?:{_HYPHEN}(?:[dDoOlL]{_ANY_APOS}[{_L}{_D}])?[{_L}{_D}]+)*"
_CAPITALS = r"[A-Z]+(?:(?:(?i:&amp;)|[+&])[A-Z]+)+"
_REDUCED = rf"{_APOS}(?:[msdMSD]|(?i:re|ve|ll))"
_NOT = rf"(?i:n{_ANY_APOS}t)"
_ACRONYM = r"(?:(?i:(?:canada|sino|korean|eu|japan|non)-u\.s|u\.s\.-(?:u\.s\.s\.r|u\.k))|(?-i:[A-Za-z](?:\.[A-Za-z])+))"
_HYPHENATED = rf"[A-Za-z0-9][A-Za-z0-9.,\xad]*(?:-(?:{_ACRONYM}\.|[A-Za-z0-9\xad]+))+"
_SENTENCE_STARTS = (
    "A(?i:bout|ccording|dditionally|fter|n|s|t|)|B(?i:ut)|E(?i:arlier)|H(?i:er|ere|e|owever)|I(?i:f|n|t)|L(?i:ast)|"
    r"M(?i:any|ore|r\.|s\.)|N(?i:ow)|O(?i:nce|ne|ther|ur)|S(?i:he|ince|ome|o|uch)|T(?i:hat|heir|hen|here|hese|hey|he|his)|"
    "W(?i:hen|hile|hat|e)|Y(?i:et|ou)"
)
_ABBREVIATIONS = (
    "ala?|apr|ariz|assn|aug|bancorp|bhd|bldg|blvd|bros|calif|colo|conn|corp|cos?|ct|dak|dec|ed\\.d|esq|est|etc|ext|feb|"
    "fla|fri|ga|inc|ind|intl|jan|jr|jul|jun|kans?|ky|ltd|mar|md|mich|minn|mon?|mont|neb|nev|nov|oct|okla|penn|ph\\.d|"
    "plc|rd|rt|sept?|seq|sq|sr|sys|tel|tenn|thu|thurs|tues?|univ|va|vt|wed|wisc?|wyo|pp?t(?-i:[ye])s?|(?-i:A)(?:rk|z)|"
    "(?-i:D)el|(?-i:I)ll|(?-i:L)a|(?-i:M)(?:ass|iss)|(?-i:O)re|(?-i:P)a|(?-i:T)ex|(?-i:W)ash"
)
_TITLES = (
    r"adj|adm|adv|alex|a\.k\.a|assoc|asst|attys?|ave|brig|capt|cf|cie|cmdr|col|comdr|cpl|dept|det|drs?|elec|ens|ft|gen|"
    "govs?|hon|insp|invt|jos|lieut|lt|maj|messrs|mfg|mlle|mme|mrs?|ms|msgr|mt|mtg|natl|pfc|ph|pres|profs?|pvt|reps?|rev|"
    r"sens?|sfc|sgt|spc|ste?|supts?|treas|vs|wm|(?-i:M)iss|(?-i:[A-Za-z])"
)
_EXTENSIONS = (
    "bat|bmp|c|cgi|class|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|"
    "wav|x|xml|zip"
)
_NAME = r"[A-Za-z][A-Za-z0-9_:.-]*"  # of an element or attribute
_ELEMENT = rf"<(?:[!?][A-Za-z-][^>\r\n]*|{_NAME}(?: +{_NAME}(?: *= *(?:'[^']*'|\"[^\"]*\"))?)* */?|/{_NAME}) *>"
_URL_END = r"[^ \t\n\f\r\"<>|.!?(){},-]"
_HOST = (
    r"(?i:www)\.(?:[^ \t\n\f\r\"<>|.!?(){},]+\.)+[A-Za-z]{2,4}|"
    r"(?:[^ \t\n\f\r\"`'<>|.!?(){},-_$]+\.)+(?i:com|net|org|edu)"
)
_RAISED, _LOWERED = "\u207a\u207b\u208a\u208b", "\u2080-\u2089"
_EYES, _SIDE = r"[\^x=~<>]", r"[-\^x=~<>']"


def _same(token: str) -> str:
    return token


def _without_soft_hyphens(token: str) -> str:
    return token.replace("\xad", "") or "-"


def _hard_blanks(token: str) -> str:
    return token.replace(" ", "\u00a0")


def _hard_blanks_and_brackets(token: str) -> str:
    return _hard_blanks(token).replace("(", "-LRB-").replace(")", "-RRB-")


def _ampersands(token: str) -> str:
    return re.sub("(?i:&amp;)", "&", token)


_QUOTES = {
    "&apos;": "'", "&quot;": "''", '"': "''", **dict.fromkeys("\x91\u2018\u201b\u2039", "`"),
    **dict.fromkeys("\x92\u2019\u203a", "'"), **dict.fromkeys("\x93\u201c\u00ab", "``"),
    **dict.fromkeys("\x94\u201d\u00bb", "''"),
}  # fmt: skip
_QUOTE = re.compile("|".join(_QUOTES))


def _quotes(token: str) -> str:
    return _QUOTE.sub(lambda match: _QUOTES[match.group()], token)


_SIGNS = {
    "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3",
    "\u00a2": "cents", "\u00a3": "#",
    **dict.fromkeys("\x80\u00a4\u20a0\u20ac", "$"),
    "(": "-LRB-", ")": "-RRB-", "[": "-LSB-", "]": "-RSB-", "{": "-LCB-", "}": "-RCB-",
}  # fmt: skip


def _sign(token: str) -> str:
    return _SIGNS.get(token, token)


def _always(written: str) -> Callable[[str], str]:
    return lambda token: written


RULES: tuple[Rule, ...] = tuple(
    Rule(first, re.compile(pattern), written)
    for first, pattern, written in (
        ("a", r"[cC]\+\+|[cCfF]#", _same),
        ("a'", "(?i:(can)not|('t)was)", _same),
        ("a'", "(?i:('t)is|(gon)na|(got)ta|(lem)me|(gim)me|(wan)na)", _same),
        ("<", _ELEMENT, _hard_blanks),
        ("&\x96\x97\u2013\u2014\u2015", r"(?i:&(?:md|mdash|ndash);)|[\x96\x97\u2013-\u2015]", _always("--")),
        ("&", "(?i:&amp;)", _ampersands),
        ("&", "(?i:&(?:ht|tl|ur|lr|qc|ql|qr|odq|cdq|#[0-9]+);)", _same),
        ("a&", rf"({_WORDS}){_REDUCED}", _without_soft_hyphens),
        ("a", rf"([A-Za-z\xad]*[A-MO-Za-mo-z]\xad*){_NOT}", _without_soft_hyphens),
        ("a&", _WORDS, _without_soft_hyphens),
        ("a", rf"[lLdDjJ]{_APOS}", _same),
        ("a", rf"[A-HJ-XZn]{_ANY_APOS}[{_L}]{{2,}}", _same),
        ("a", rf"[{_L}]+[aeiouyAEIOUY]{_ANY_APOS}[aeiouA-Z][{_L}]*", _same),
        (
            f"a{_APOSTROPHES}",
            rf"(?i:{_APOS}(?:n{_APOS}?|em|(?-i:[2-9])0s|till?|cause)|(?:dunkin|somethin|ol){_APOS}|o{_ANY_APOS}o|"
            r"cont'd\.?|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l)",
            _same,
        ),
        ("a", rf"([yY]{_APOS})[{_L}]", _same),
        ("a", rf"(?i:https?)://[^ \t\n\f\r\"<>|(){{}}]+{_URL_END}", _same),
        (ANY, _HOST, _same),
        (ANY, rf"(?:{_HOST})/[^ \t\n\f\r\"<>|()]+{_URL_END}", _same),
        (
            "a1<&",
            r"(?:<|(?i:&lt;))?[A-Za-z0-9][^ \t\n\f\r\"<>|(){}\u00a0]*@(?:[^ \t\n\f\r\"<>|(){}.\u00a0]+\.)*"
            r"[^ \t\n\f\r\"<>|(){}.\u00a0]+>?",
            _same,
        ),
        ("@#", rf"@[A-Za-z_][A-Za-z_0-9]*|#{_IN_WORD}+", _same),
        (_APOSTROPHES, rf"({_REDUCED})[^A-Za-z]", _quotes),
        ("a", _NOT, _quotes),
        ("1", rf"[{_D}]{{1,2}}[-/][{_D}]{{1,2}}[-/][{_D}]{{2,4}}", _same),
        (
            "1-+.:,\xad\u066b\u066c",
            rf"[-+]?(?:[{_D}]*(?:[.:,\xad\u066b\u066c][{_D}]+)+|[{_D}]+)",
            _without_soft_hyphens,
        ),
        (
            f"{_RAISED}\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089",
            rf"[{_RAISED}]?(?:[\u2070\xb9\xb2\xb3\u2074-\u2079]+|[{_LOWERED}]+)",
            _same,
        ),
        ("1", rf"(?:[{_D}]{{1,4}}[- \u00a0])?[{_D}]{{1,4}}(?:\\?/|\u2044)[{_D}]{{1,4}}", _hard_blanks),
        (ANY, r"[\xbc-\xbe\u2153-\u215e]", _sign),
        ("a-", rf"(?i:-[rl][rcs]b-|c\.d\.s|pro-|anti-|s(?:&amp;|&)(?:p-500|ls)|cap{_APOS}n|c{_APOS}est)", _ampersands),
        ("a1", r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}", _same),
        ("a$#", r"[A-Z]*\$|#", _same),
        (ANY, r"[\x80\xa2-\xa5\u060b\u0e3f\u20a0\u20a4\u20ac\uffe0\uffe1\uffe5\uffe6]", _sign),
        ("a", rf"([A-Za-z])\.{_GAP}+(?:{_SENTENCE_STARTS}|{_ELEMENT}){_GAP}", _same),
        ("a", rf"(?i:((?:art|bldg|ca|figs?|nos?|op|pp|prop)\.){_GAP}?[{_D}])", _same),
        ("a", rf"(?i:((?:pt(?-i:[eyEY])|co)\.)[{_SPACE}](?:ltd|lim))", _same),
        ("a", rf"(?is:((?:{_ABBREVIATIONS})\.)(?:..)?)", _same),
        ("a", rf"(?i:(?:{_ACRONYM}|{_TITLES})\.)", _same),
        ("a", rf"(?i:({_ACRONYM}|{_TITLES}){_GAP})", _same),
        (_APOSTROPHES, rf"({_APOS}[0-9][0-9]){_GAP}", _same),
        ("a1&", rf"((?:{_LETTER_OR_DIGIT}++\.)+(?i:{_EXTENSIONS}))(?:{_GAP}|[.?!,])", _same),
        ("a&", rf"({_WORDS}\.)[,;:\u3001]", _without_soft_hyphens),
        (
            "1(+",
            r"(?:\([0-9]{2,3}\)[ \u00a0]?|(?:\+\+?)?(?:[0-9]{2,4}[- \u00a0])?[0-9]{2,4}[- \u00a0])[0-9]{3,4}[- \u00a0]?"
            r"[0-9]{3,5}|(?:(?:\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}",
            _hard_blanks_and_brackets,
        ),
        ('"&', '"|(?i:&quot;)', _quotes),
        ("<&", "<|(?i:&lt;)", _always("<")),
        (">&", ">|(?i:&gt;)", _always(">")),
        ("<>:;=", r"([<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]])[^A-Za-z0-9]", _hard_blanks_and_brackets),
        (
            "a^=~<>-'(",
            rf"{_EYES}\.\[\^(?i:x)=[^<]*<>\]|{_SIDE}_{_SIDE}|\({_SIDE}[_.]?{_SIDE}\)|\([\^x=~<>']-[\^x=~<>'`]\)",
            _hard_blanks_and_brackets,
        ),
        ("(){}[]", r"[(){}\[\]]", _sign),
        ("-", "-{3,4}", _always("--")),
        ("-", "-+", _same),
        (".\x85\u2026", r"\.{3,5}|(?:\.[ \u00a0]){2,4}\.|[\x85\u2026]", _always("...")),
        ("@#_*\\?!", r"@+|#+|_+|\*+|(?:\\\*){1,3}|[?!]+", _same),
        ("a1", rf"({_HYPHENATED}\.)[,;:\u3001]", _without_soft_hyphens),
        ("a1", _HYPHENATED, _without_soft_hyphens),
        ("a1", rf"({_COMPOUND}\.)[,;:\u3001]", _same),
        ("a1", _COMPOUND, _same),
        ("a", rf"({_CAPITALS}\.)[,;:\u3001]", _ampersands),
        ("a", _CAPITALS, _ampersands),
        ("'", r"(')[A-Za-z][^ \t\n\r\u00a0]", _always("`")),
        (_APOSTROPHES, _REDUCED, _quotes),
        (ANY, rf"''|[`\u2018-\u201f\x91-\x94\u2039\u203a\xab\xbb]{{1,2}}|{_APOS}", _quotes),
        ("&", "(?i:&nbsp;)", _always("")),
        (ANY, rf"<<|>>|[+%&~\^|\\=/.,;:\u3001\u2044{_RAISED}{SYMBOL}]", _same),
    )
)
"""In the lexer's order."""

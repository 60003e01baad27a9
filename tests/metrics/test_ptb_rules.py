"""The rules of the lexer: what each may begin with, and that the text is never left without one."""

import pytest

from prefixrun.metrics.ptb_rules import ANY, RULES


def matches(text: str) -> list[tuple[str, str]]:
    """The token of each rule that matches at the beginning of a text, as found and as written."""
    found = (rule.pattern.match(text) for rule in RULES)
    tokens = [match[match.lastindex or 0] if match else None for match in found]
    return [(token, rule.written(token)) for rule, token in zip(RULES, tokens, strict=True) if token is not None]


@pytest.mark.parametrize(
    ("text", "token", "written"),
    [
        ("cannot", "can", "can"),
        ("isn't", "is", "is"),
        ("n't", "n't", "n't"),
        ("1,000.50 ", "1,000.50", "1,000.50"),
        ("(", "(", "-LRB-"),
        ("\u00bd", "\u00bd", "1/2"),
        ("\u20ac9", "\u20ac", "$"),
        ("\u2014", "\u2014", "--"),
        ("\u201cx", "\u201c", "``"),
        ("....", "....", "..."),
        ("&nbsp;", "&nbsp;", ""),
        ("caf\u00ade", "caf\u00ade", "cafe"),
        ("(012) 345 6789", "(012) 345 6789", "-LRB-012-RRB-\u00a0345\u00a06789"),
    ],
)
def test_a_rule_has_the_token_and_writes_it_as_the_lexer(text: str, token: str, written: str) -> None:
    assert (token, written) in matches(text)


@pytest.mark.parametrize("text", ["cannot", "isn't", "1,000.50 ", "(", "\u20ac9", "....", "@me", "a-b", "'s ", "<b>"])
def test_a_rule_begins_with_the_characters_that_it_lists(text: str) -> None:
    """The lexer looks up a text's first character in them, so a rule that lacks one would never be tried."""
    kind = "a" if text[0].isalpha() else "1" if text[0].isdigit() else text[0]
    matching = [rule for rule in RULES if rule.pattern.match(text)]
    assert matching
    assert [rule.pattern.pattern for rule in matching if rule.first != ANY and kind not in rule.first] == []

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.metrics.ptb import ptb_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The Eagle is a family-friendly pub.", "the eagle is a family-friendly pub"),
        ("It isn't cheap; it's £20-25.", "it is n't cheap it 's # 20-25"),
        ("It isn’t cheap, it’s €9.99!", "it is n't cheap it 's $ 9.99"),
        ("They cannot, we're gonna", "they can not we 're gon na"),
        ("pub.The Eagle", "pub.the eagle"),
        ("pub . The Eagle", "pub the eagle"),
        ('"Cotto" (near) [it] {x}', "cotto -lrb- near -rrb- -lsb- it -rsb- -lcb- x -rcb-"),
        ("50% of AT&T &amp; R&B", "50 % of at&t & r&b"),
        ("the U.K.'s best, e.g. Mr. Smith", "the u.k. 's best e.g. mr. smith"),
        ("approx. 5 stars", "approx 5 stars"),
        ("and/or 3/5 -- 1.5-litre ... ½", "and/or 3/5 1.5-litre 1/2"),
        ("O'Connor's the '90s o'clock 'tis", "o'connor 's the '90s o'clock 't is"),
        ("1,000.50 -7 3-5 1.9304m", "1,000.50 -7 3-5 1.9304 m"),
        ("寿司 🍣 :) a_b@c.d #1 www.x.co.uk", "寿司 :-rrb- a_b@c.d # 1 www.x.co.uk"),
        ("dogs' tails - word-", "dogs tails word"),
        ("a\u2028b\u00a0c\td\r\x85e", "a b c d e"),
        ("T\ufffdders\u200b Rest\u202e, \U0001f363\ue000", "t ders rest"),
        ("it\u2018s don\u2018t \u201equoted\u201f", "it s do n`t \u201e quoted \u201f"),
        ("\u20b9 \u2012 \u2015 \u00a2 \x80 ## ** __", "cents $ ## ** __"),
        ("CO\u2082 c'mon caf\u00ade ка\u0301к", "co \u2082 c'mon cafe ка\u0301к"),
        ("(012) 345 6789 or 1 1/2", "-lrb-012-rrb-\u00a0345\u00a06789 or 1\u00a01/2"),
        ("?! ???", "?! ???"),
        (".", ""),
        ("", ""),
    ],
)
def test_tokens(text, tokens):
    assert " ".join(ptb_tokens(text)) == tokens


@given(st.text(max_size=40))
def test_any_text_gives_tokens_without_blanks(text):
    tokens = ptb_tokens(text)
    assert all(token and " " not in token for token in tokens)
    assert ptb_tokens(f"  {text}") == tokens


def test_long_tokens_take_linear_time():
    assert ptb_tokens("a-" * 20_000 + "a") == ("a-" * 20_000 + "a",)
    assert ptb_tokens("1." * 20_000)[0].startswith("1.1.")


@pytest.mark.parametrize(("file", "number"), [("ptb_tokens.jsonl", 1898), ("ptb_tokens_odd.jsonl", 15)])
def test_tokens_of_the_java_lexer(file, number, goldens, read_lines):
    pairs = [json.loads(line) for line in read_lines(goldens / file)]
    assert len(pairs) == number
    wrong = [(text, tokens) for text, tokens in pairs if " ".join(ptb_tokens(text)) != tokens]
    assert wrong == []


def test_odd_characters_have_the_tokens_of_the_java_lexer(goldens, read_lines):
    cases = [json.loads(line) for line in read_lines(goldens / "ptb_tokens_unicode.jsonl")]
    assert len(cases) == 214
    assert [case for case in cases if " ".join(ptb_tokens(case["text"])).split() != case["tokens"]] == []

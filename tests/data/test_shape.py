"""Parsed JSON: what is no corpus is one message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import shape
from prefixrun.errors import DataError


def test_a_number_that_python_does_not_convert_is_an_error_of_the_file() -> None:
    with pytest.raises(DataError, match=r"^train\.json: JSON with a number of thousands of digits"):
        shape.parse("[" + "9" * 5000 + "]", "train.json")


def test_an_id_may_be_a_whole_number() -> None:
    assert [shape.identifier(value, "a.jsonl:1: id") for value in ("7", 7, -7)] == ["7", "7", "-7"]
    for value in (True, 7.0, None, " "):
        with pytest.raises(DataError, match=r"^a\.jsonl:1: id: "):
            shape.identifier(value, "a.jsonl:1: id")


def refusal(text: str) -> str:
    with pytest.raises(DataError) as caught:
        shape.parse(text, "train.json")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"text": 1,\n"text": 2}', "train.json:2: the key 'text' stands twice in one object; keep one"),
        ('[{"a": "}\\"}"},\n{"b": {"c": 1, "c": 1}},\n{"d": 1, "d": 1}]', "train.json:2: the key 'c' stands twice"),
        ('{"": 1, "": 1}', "train.json:1: the key '' stands twice"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_the_line_its_object_ends_on(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize("half", [r"\ud83d", r"\uDE00 a", r"\ude00\ud83d", r"\ud83dx\ude00"])
def test_half_of_a_surrogate_pair_is_refused_with_its_line(half: str) -> None:
    assert refusal(f'["\\u0041",\n"a",\n"{half}"]') == (
        f'train.json:3: "{half}" holds half of a surrogate pair, which is no character; '
        "write the whole character or remove it"
    )
    assert refusal(f'{{"{half}": 1}}').startswith("train.json:1: ")


def test_whole_surrogate_pairs_and_backslashes_are_text() -> None:
    assert shape.parse(r'{"a": "\ud83d\ude00", "b": "\\ud83d"}', "train.json") == {"a": "😀", "b": r"\ud83d"}


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_every_other_text_is_read_as_it_was_written(value: object) -> None:
    assert shape.parse(json.dumps(value), "train.json") == value

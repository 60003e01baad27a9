import pytest

from prefixrun.metrics.ptb_characters import BLANK, DIGIT, LETTER, MARK, NEW_LINE, NOTHING, SYMBOL, classes


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("aZ0 .~\x00\x7f", "aZ0 .~\x00\x7f"),
        ("éßЖ漢אᏰ\u1885", LETTER * 7),
        ("\u0301\u0903\u05bf", MARK * 3),
        ("٣९０", DIGIT * 3),
        ("§→℃。", SYMBOL * 4),
        ("\u2003\u3000", BLANK * 2),
        ("\u2028\u2029", NEW_LINE * 2),
        ("\ufffd\u200b\u202e\ue000\u20b9\x81\U0001f363\ud800", NOTHING * 8),
        ("\u08a1\u1c90\ua7d0\u0de6", NOTHING * 4),  # letters and a digit that came after Unicode 6.1
        ("£’“\u2011½₂İ", "£’“\u2011½₂İ"),  # rules name these
    ],
)
def test_a_character_stands_for_its_class_at_its_position(characters, expected):
    assert classes(characters) == expected

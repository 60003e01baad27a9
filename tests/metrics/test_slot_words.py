"""The wordings of slot values: those of a value are recognised, and an empty statement is none."""

import pytest

from prefixrun.metrics.slot_words import FRIENDLY, NOT_FRIENDLY, WORDINGS
from prefixrun.metrics.slots import SlotError
from scoring import counts_of


def slots_of(source, text):
    (row,) = counts_of(SlotError(), ((source,),), [text])
    return tuple(int(number) for number in row)


@pytest.mark.parametrize(
    ("slot", "value", "text"),
    [
        ("price", "cheap", "It has a low price range."),
        ("price", "high", "An expensive place."),
        ("price", "moderate", "It is moderately priced."),
        ("price", "£ 20 - 25", "It costs £20-25."),
        ("price", "more than £ 30", "Prices are more than £30."),
        ("customer rating", "low", "It has poor reviews."),
        ("customer rating", "high", "It is highly rated."),
        ("customer rating", "average", "The customer rating is average."),
        ("customer rating", "1 out of 5", "A one star place."),
        ("customer rating", "3 out of 5", "It is rated 3 out of 5."),
        ("customer rating", "5 out of 5", "It got five out of five."),
        ("area", "city centre", "In the center of the city."),
        ("area", "riverside", "It is by the river."),
        ("family friendly", "yes", "Children are welcome."),
        ("family friendly", "no", "It is not child friendly."),
        ("Type", "coffee shop", "Cotto is a café."),
        ("food", "Fast food", "It has fast food."),
    ],
)
def test_wordings(slot, value, text):
    assert slots_of(f"name : Cotto | {slot} : {value}", f"Cotto. {text}") == (2, 0, 0)


def test_no_wording_is_empty():
    patterns = [wording for wordings in WORDINGS.values() for wording in wordings.values()]
    assert not [pattern for pattern in (*patterns, FRIENDLY, NOT_FRIENDLY) if pattern.search("it is nice")]

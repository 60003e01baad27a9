"""Triples: their three linearisations, and what is no triple."""

from collections.abc import Callable

import pytest

from prefixrun.data.triples import Triple, dart_paper, plain, triple, webnlg_paper
from prefixrun.errors import DataError

TRIPLES = (Triple("Tarn_Airport", "cityServed", '"Tarnow, Norland"'), Triple("Tarn Airport", "RUNWAY_LENGTH", "2400.0"))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (
            webnlg_paper,
            ' | Tarn_Airport : cityServed : "Tarnow, Norland" | Tarn Airport : RUNWAY_LENGTH : 2400.0',
        ),
        (dart_paper, 'Tarn_Airport : cityserved : "Tarnow, Norland" | Tarn Airport : runway_length : 2400.0'),
        (plain, "Tarn Airport, city served: Tarnow, Norland; Tarn Airport, runway length: 2400.0"),
    ],
)
def test_linearisations(form: Callable[[tuple[Triple, ...]], str], text: str) -> None:
    assert form(TRIPLES) == text


def test_parts_stay_as_they_are() -> None:
    assert triple([" a", "b ", "c"], "x:1") == Triple(" a", "b ", "c")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["a", "b"], r"x:1: a triple of 2 parts \('a \| b'\)"),
        (["a", "b", "c", "d"], "x:1: a triple of 4 parts"),
        ([" ", "b", "c"], "x:1: a triple without subject"),
        (["a", "", "c"], "x:1: a triple without property"),
        (["a", "b", "\t"], "x:1: a triple without object"),
    ],
)
def test_other_numbers_of_parts_and_empty_ones_are_refused(parts: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        triple(parts, "x:1")

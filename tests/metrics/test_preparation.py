import pytest

from prefixrun.metrics.preparation import DART, MTEVAL_13A, PTB, WEBNLG_2017


def test_13a_is_lower_case_and_keeps_hyphens_of_words():
    assert MTEVAL_13A.output("A family-friendly pub: £20-25.") == "a family-friendly pub : £20 - 25 ."
    assert MTEVAL_13A.reference(" Café &amp; pub \n") == "café & pub"


def test_ptb_is_for_both_sides():
    assert PTB.output("It isn't cheap.") == PTB.reference("It isn't cheap.") == "it is n't cheap"


@pytest.mark.parametrize(
    ("text", "output", "reference"),
    [
        ("Café (U.S.)", "cafe ( u . s . )", "cafe ( u . s . )"),
        ("under_score", "under_score", "under_score"),
        # unidecode comes before the split for an output, after it for a reference
        ("5 € — x", "5 eur - - x", "5 EUR -- x"),
        ("  a\tb ", "a b", "a b"),
    ],
)
def test_webnlg_sides_differ(text, output, reference):
    assert WEBNLG_2017.output(text) == output
    assert WEBNLG_2017.reference(text) == reference


def test_dart_keeps_accents():
    assert DART.output("Café, NR-1") == DART.reference("Café, NR-1") == "café , nr - 1"

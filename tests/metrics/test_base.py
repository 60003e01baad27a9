import pytest

from prefixrun.metrics.base import prefixrun_scorer, prepared, signature
from prefixrun.metrics.nist import Nist
from prefixrun.metrics.rouge_l import RougeL


def test_references_are_prepared_once_for_each_content():
    first = prepared(RougeL(), (("a pub", "a bar"),))
    assert prepared(RougeL(), (("a pub", "a bar"),)) is first
    assert prepared(RougeL(), (("a bar", "a pub"),)) is not first
    assert prepared(Nist(), (("a pub", "a bar"),)) is not first


@pytest.mark.parametrize(
    ("references", "expected"),
    [((("a", "b"), ("c", "d")), "refs:2|case:lc"), ((("a",), ("c", "d")), "refs:var|case:lc")],
)
def test_signature_says_the_number_of_references(references, expected):
    assert signature(references, "case:lc") == expected


def test_own_scorers_name_the_version_of_their_numbers():
    assert prefixrun_scorer("ter") == "scorer:prefixrun-ter.1"

import pytest

from prefixrun.metrics.preparation import DART
from prefixrun.metrics.ter import Ter
from scoring import counts_of


def test_fewest_edits_over_mean_length():
    metric = Ter(DART)
    references = (("The mill is a pub.", "A pub: the mill!"), ("Cotto",))
    rows = counts_of(metric, references, ["the mill is a bar .", "cotto near"])
    assert rows.tolist() == [[1, 6], [1, 1]]
    assert metric.aggregate(rows.sum(axis=0)) == {"TER": pytest.approx(2 / 7)}


def test_empty_references_are_left_out_but_for_the_first():
    rows = counts_of(Ter(DART), (("", "a b c"), ("a b c", "", "")), ["a b", "a b"])
    assert rows.tolist() == [[1, 1.5], [1, 3]]


def test_only_empty_texts():
    metric = Ter(DART)
    totals = counts_of(metric, (("",),), [""]).sum(axis=0)
    assert metric.aggregate(totals) == {"TER": 0.0}

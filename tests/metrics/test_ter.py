import pytest

from prefixrun.metrics.preparation import DART
from prefixrun.metrics.ter import Ter


def test_fewest_edits_over_mean_length():
    metric = Ter(DART)
    references = (("The mill is a pub.", "A pub: the mill!"), ("Cotto",))
    rows = metric.prepare(references).count(["the mill is a bar .", "cotto near"])
    assert rows.tolist() == [[1, 6], [1, 1]]
    assert metric.aggregate(rows.sum(axis=0)) == {"TER": pytest.approx(2 / 7)}


def test_empty_references_are_left_out_but_for_the_first():
    rows = Ter(DART).prepare((("", "a b c"), ("a b c", "", ""))).count(["a b", "a b"])
    assert rows.tolist() == [[1, 1.5], [1, 3]]


def test_only_empty_texts():
    metric = Ter(DART)
    totals = metric.prepare((("",),)).count([""]).sum(axis=0)
    assert metric.aggregate(totals) == {"TER": 0.0}

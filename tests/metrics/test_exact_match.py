"""Exact match against values by hand."""

import numpy as np
import pytest

from prefixrun.metrics import aggregate, evaluate

REFERENCES = [["a b"], ["c", "d e"], ["positive"], ["x"]]


def test_an_output_matches_one_of_its_references() -> None:
    evaluation = evaluate("EM", ["a b", "d  e ", "Positive", "x."], REFERENCES)
    score = evaluation.scores["EM"]
    assert score.value == pytest.approx(50.0)
    assert score.signature == "refs:var|case:mixed|space:squeezed|scorer:prefixrun-exact_match.1"
    assert evaluation.stats["EM.matches"].tolist() == [1, 1, 0, 0]
    assert aggregate("EM", {"EM.matches": np.array([1.0]), "EM.outputs": np.array([4.0])}) == {"EM": 25.0}


def test_groups_are_scored_apart() -> None:
    scores = evaluate("EM", ["a b", "no", "positive", "no"], REFERENCES, ["p", "p", "q", "q"]).scores
    assert {name: score.value for name, score in scores.items()} == {"EM/p": 50.0, "EM/q": 50.0, "EM/all": 50.0}

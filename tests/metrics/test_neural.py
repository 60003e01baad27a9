import sys
from types import SimpleNamespace

import pytest

from prefixrun.errors import MissingPartError
from prefixrun.metrics import neural, score
from prefixrun.metrics.neural import BLEURT, MOVER_SCORE, BertScore
from prefixrun.metrics.preparation import DART
from scoring import counts_of

REFERENCES = (("A pub", ""), ("A bar", "The café", "Mill"))


class Scorer:
    """Stands in for bert-score: F1 is the share of the output's letters that the reference has."""

    def __init__(self, model_type, num_layers, idf, lang):
        assert (model_type, num_layers, idf, lang) == ("roberta-large", 17, False, "en")

    def score(self, outputs, references):
        assert all(outputs)
        assert all(references)
        f1 = [
            sum(letter in reference for letter in output) / len(output)
            for output, reference in zip(outputs, references, strict=True)
        ]
        return None, None, f1


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "bert_score", SimpleNamespace(BERTScorer=Scorer))
    monkeypatch.setattr(neural, "find_spec", lambda name: name)
    monkeypatch.setattr(neural, "try_to_load_from_cache", lambda model, file: f"/cache/{file}")


@pytest.mark.usefixtures("installed")
def test_best_reference_and_empty_texts():
    metric = BertScore(DART)
    rows = counts_of(metric, REFERENCES, ["a pub", "THE CAFÉ"])
    assert rows.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert counts_of(metric, REFERENCES, ["", ""]).tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert metric.aggregate(rows.sum(axis=0)) == {"BERTScore": 1.0}


def test_missing_package_and_missing_weights(monkeypatch):
    monkeypatch.setattr(neural, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"prefixrun\[neural\]"):
        BertScore(DART).prepare(REFERENCES)
    monkeypatch.setattr(neural, "find_spec", lambda name: name)
    monkeypatch.setattr(neural, "try_to_load_from_cache", lambda model, file: None)
    with pytest.raises(MissingPartError, match="roberta-large in the Hugging Face cache"):
        BertScore(DART).prepare(REFERENCES)


@pytest.mark.parametrize("metric", [MOVER_SCORE, BLEURT])
def test_declared_metrics_say_why_they_are_empty(metric):
    with pytest.raises(MissingPartError, match="is not computed"):
        metric.prepare(REFERENCES)


def test_declared_metrics_are_null_with_a_reason(monkeypatch):
    monkeypatch.setattr("prefixrun.metrics.meteor.shutil.which", lambda name: None)
    scores = score("dart", ["a pub"], [["a pub"]])
    for name in ("MoverScore", "BLEURT", "METEOR"):
        assert scores[name].value is None
        assert name in scores[name].reason

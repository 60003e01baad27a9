import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from prefixrun.metrics.chrf import Chrf
from scoring import counts_of

texts = st.text(alphabet="abB ,é", max_size=14)
corpora = st.lists(st.tuples(texts, st.lists(texts, min_size=2, max_size=2)), min_size=1, max_size=4)


@given(corpora)
def test_equals_sacrebleu(corpus):
    hypotheses = [output for output, _ in corpus]
    references = tuple(tuple(texts) for _, texts in corpus)
    metric = Chrf()
    value = metric.aggregate(counts_of(metric, references, hypotheses).sum(axis=0))["chrF"]
    expected = CHRF().corpus_score(hypotheses, [list(stream) for stream in zip(*references, strict=True)]).score
    assert value == pytest.approx(expected, abs=1e-9)


def test_a_perfect_output_and_an_empty_one():
    metric = Chrf()
    rows = counts_of(metric, (("a pub near the river",), ("x",)), ["a pub near the river", ""])
    assert metric.aggregate(rows[0])["chrF"] == 100.0
    assert metric.aggregate(rows[1])["chrF"] == 0.0

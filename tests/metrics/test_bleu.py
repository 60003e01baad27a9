import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from prefixrun.metrics.bleu import Bleu
from prefixrun.metrics.preparation import DART, MTEVAL_13A, WEBNLG_2017
from scoring import counts_of

WORDS = ("the", "a", "mill", "Pub", "near", "£20.", "is,", "5", "don't")
texts = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
corpora = st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=4)), min_size=1, max_size=4)


def bleu_of(metric, hypotheses, references):
    counts = counts_of(metric, references, hypotheses)
    return metric.aggregate(counts.sum(axis=0))["BLEU"]


def streams(references, size, padding):
    return [[texts[i] if i < len(texts) else padding for texts in references] for i in range(size)]


@given(corpora)
def test_equals_sacrebleu_with_13a_and_missing_references(corpus):
    hypotheses = [output for output, _ in corpus]
    references = tuple(tuple(texts) for _, texts in corpus)
    peer = BLEU(tokenize="13a", lowercase=True, force=True)
    expected = peer.corpus_score(hypotheses, streams(references, max(map(len, references)), None)).score
    assert bleu_of(Bleu(MTEVAL_13A), hypotheses, references) == pytest.approx(expected, abs=1e-9)


@given(corpora)
def test_equals_sacrebleu_with_empty_references(corpus):
    hypotheses = [output for output, _ in corpus]
    references = tuple(tuple(texts[:3]) for _, texts in corpus)
    peer = BLEU(tokenize="none", lowercase=True, force=True)
    prepared = [[DART.reference(text) for text in texts] for texts in references]
    expected = peer.corpus_score(
        [DART.output(text) for text in hypotheses], streams(prepared, max(map(len, references)), "")
    ).score
    assert bleu_of(Bleu(DART, padded_to=3), hypotheses, references) == pytest.approx(expected, abs=1e-9)


@given(corpora)
def test_does_not_depend_on_the_order_of_references(corpus):
    hypotheses = [output for output, _ in corpus]
    forward = tuple(tuple(texts) for _, texts in corpus)
    backward = tuple(tuple(reversed(texts)) for _, texts in corpus)
    assert bleu_of(Bleu(MTEVAL_13A), hypotheses, forward) == bleu_of(Bleu(MTEVAL_13A), hypotheses, backward)


def test_counts_of_one_segment():
    metric = Bleu(MTEVAL_13A)
    (row,) = counts_of(metric, (("The Mill is a pub.", "A pub: the Mill, near the river."),), ["The Mill, a Mill."])
    counts = dict(zip(metric.columns, row, strict=True))
    # tokens: the mill , a mill . -- "mill" counts once, as in either reference
    assert counts == {
        "output_length": 6,
        "reference_length": 6,
        "matches1": 5,
        "matches2": 2,  # "the mill", "mill ,"
        "matches3": 1,
        "matches4": 0,
        "ngrams1": 6,
        "ngrams2": 5,
        "ngrams3": 4,
        "ngrams4": 3,
    }


def test_missing_references_count_as_empty_ones_where_the_script_pads():
    references = (("one two three four five six",), ("one two", "three", "four"))
    hypotheses = ["one two", "one two"]
    padded = counts_of(Bleu(WEBNLG_2017, padded_to=3), references, hypotheses)
    assert padded[:, 1].tolist() == [0, 2]
    assert counts_of(Bleu(WEBNLG_2017), references, hypotheses)[:, 1].tolist() == [6, 2]


def test_the_script_pads_only_up_to_the_largest_number_of_references():
    padded = counts_of(Bleu(WEBNLG_2017, padded_to=3), (("one two three four five six",),), ["one two"])
    assert padded[0, 1] == 6


def test_of_equally_near_reference_lengths_the_shorter_counts():
    row = counts_of(Bleu(MTEVAL_13A), (("a b c d e", "a b c"),), ["a b c d"])[0]
    assert row[1] == 3


def test_a_corpus_is_not_the_mean_of_its_parts():
    metric = Bleu(MTEVAL_13A)
    references = (("the mill is a cheap pub near the river",), ("the eagle serves french food",))
    hypotheses = ["the mill is a cheap pub near here", "the eagle has french food"]
    parts = [bleu_of(metric, [hypotheses[i]], (references[i],)) for i in range(2)]
    whole = bleu_of(metric, hypotheses, references)
    expected = BLEU(lowercase=True).corpus_score(hypotheses, [[texts[0] for texts in references]]).score
    assert whole == pytest.approx(expected, abs=1e-9)
    assert abs(whole - sum(parts) / 2) > 1


def test_empty_outputs_score_zero():
    assert bleu_of(Bleu(MTEVAL_13A), ["", ""], (("a b",), ("c d",))) == 0.0

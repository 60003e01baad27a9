"""Intervals and paired tests: against values known by other means, and properties they must have."""

from itertools import product

import numpy as np
import pytest

from prefixrun.metrics import aggregate, evaluate
from prefixrun.metrics.resampling import differences, intervals
from prefixrun.metrics.suite import OF_ALL_INPUTS

WORDS = ("the", "mill", "pub", "cheap", "river", "near", "food", "french")


def texts(seed: int, number: int, changed: float) -> tuple[list[str], list[list[str]]]:
    """Outputs that differ from their references in about a share `changed` of the words."""
    generator = np.random.default_rng(seed)
    references = [list(generator.choice(WORDS, size=generator.integers(6, 12))) for _ in range(number)]
    outputs = [[w if generator.random() > changed else "x" for w in words] for words in references]
    return [" ".join(words) for words in outputs], [[" ".join(words)] for words in references]


@pytest.fixture(autouse=True)
def _no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefixrun.metrics.meteor.shutil.which", lambda name: None)


def of_lengths(values: list[float]) -> dict[str, np.ndarray]:
    """Counts whose only score, ROUGE_L, is 100 times the mean of the values."""
    return {"ROUGE_L.f": np.array(values), "ROUGE_L.segments": np.ones(len(values))}


def test_the_counts_used_here_are_those_of_the_metric() -> None:
    assert aggregate("e2e", of_lengths([0.25, 0.75])) == {"ROUGE_L": pytest.approx(50)}


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, size=400)
    found = intervals("e2e", of_lengths(list(values)), samples=4000)["ROUGE_L"]
    error = 100 * values.std() / 20
    assert found.low == pytest.approx(100 * values.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(100 * values.mean() + 1.96 * error, abs=0.1 * error)


def test_every_score_with_counts_has_an_interval_around_it() -> None:
    outputs, references = texts(1, 60, 0.3)
    evaluation = evaluate("e2e", outputs, references)
    found = intervals("e2e", evaluation.stats)
    assert set(found) == {name for name, one in evaluation.scores.items() if one.value is not None}
    for name, interval in found.items():
        value = evaluation.scores[name].value
        assert value is not None
        assert interval.low < value < interval.high


def test_draws_are_those_of_scoring_the_drawn_segments() -> None:
    """One draw by hand: the percentiles of a single draw are its score."""
    outputs, references = texts(2, 25, 0.3)
    evaluation = evaluate("dart", outputs, references)
    weights = np.random.default_rng([7, 0]).multinomial(25, np.full(25, 1 / 25), size=1)[0]
    drawn = [i for i, times in enumerate(weights) for _ in range(times)]
    again = evaluate("dart", [outputs[i] for i in drawn], [references[i] for i in drawn]).scores
    for name, interval in intervals("dart", evaluation.stats, samples=1, seed=7).items():
        assert interval.low == interval.high == pytest.approx(again[name].value, abs=1e-9)


def test_the_seed_decides_and_the_chunks_do_not_show() -> None:
    stats = of_lengths(list(np.random.default_rng(5).random(30)))
    assert intervals("e2e", stats, samples=250) == intervals("e2e", stats, samples=250)
    assert intervals("e2e", stats, samples=250) != intervals("e2e", stats, samples=250, seed=1)


def test_groups_are_drawn_from_apart() -> None:
    outputs, references = texts(4, 40, 0.3)
    groups = ["seen"] * 20 + ["unseen"] * 20
    evaluation = evaluate("webnlg", outputs, references, groups)
    found = intervals("webnlg", evaluation.stats, groups, samples=200)
    assert set(found) == {name for name, one in evaluation.scores.items() if one.value is not None}
    alone = evaluate("webnlg", outputs[:20], references[:20])
    assert found["TER/seen"] == intervals("webnlg", alone.stats, samples=200)["TER"]


def test_without_groups_the_names_are_still_those_of_the_scores() -> None:
    evaluation = evaluate("webnlg", *texts(4, 20, 0.3))
    found = intervals("webnlg", evaluation.stats, [""] * 20, samples=100)
    assert set(found) == {name for name, one in evaluation.scores.items() if one.value is not None}
    assert found["BLEU"] == found["BLEU/all"]


def test_few_inputs_say_nothing_of_others() -> None:
    """Nor does a small part of many inputs; the difference itself is there."""
    outputs, references = texts(4, 40, 0.3)
    groups = ["seen"] * 21 + ["unseen"] * 19
    first, second = (evaluate("webnlg", each, references, groups).stats for each in (outputs, outputs[::-1]))
    assert {name.partition("/")[2] for name in intervals("webnlg", first, groups, samples=50)} == {"all", "seen"}
    compared = differences("webnlg", first, second, groups, samples=50)
    assert compared["BLEU/unseen"].value != 0
    assert (compared["BLEU/unseen"].interval, compared["BLEU/unseen"].p_value) == (None, None)
    assert compared["BLEU/seen"].interval is not None


def test_p_is_near_the_exact_value_of_all_exchanges() -> None:
    """The other twelve inputs do not differ, so exchanging them changes nothing."""
    first, second = [0.1, 0.5, 0.3, 0.4, 0.6, 0.2, 0.7, 0.3], [0.3, 0.4, 0.6, 0.5, 0.9, 0.1, 0.8, 0.6]
    same = [0.5] * 12
    gains = np.subtract(second, first)
    observed = abs(gains.sum())
    exact = np.mean([abs(np.dot(signs, gains)) >= observed - 1e-9 for signs in product((1, -1), repeat=8)])
    found = differences("e2e", of_lengths(first + same), of_lengths(second + same), samples=8000)["ROUGE_L"]
    assert found.value == pytest.approx(100 * gains.sum() / 20)
    assert found.p_value == pytest.approx(exact, abs=0.02)


def test_a_system_against_itself_differs_in_nothing() -> None:
    evaluation = evaluate("e2e", *texts(1, 20, 0.3))
    for found in differences("e2e", evaluation.stats, evaluation.stats, samples=100).values():
        assert (found.value, found.interval.low, found.interval.high, found.p_value) == (0, 0, 0, 1)


def test_p_is_never_zero() -> None:
    first, second = of_lengths([0.0] * 50), of_lengths([1.0] * 50)
    assert differences("e2e", first, second, samples=99)["ROUGE_L"].p_value == pytest.approx(1 / 100)


def test_the_other_way_round_is_the_same_difference_with_the_other_sign() -> None:
    outputs, references = texts(1, 50, 0.2)
    worse, _ = texts(1, 50, 0.5)
    first, second = (evaluate("e2e", side, references).stats for side in (outputs, worse))
    one, other = differences("e2e", first, second), differences("e2e", second, first)
    for name, found in one.items():
        assert found.value < 0
        assert found.value == pytest.approx(-other[name].value)
        assert found.interval.low == pytest.approx(-other[name].interval.high)
        assert found.interval.high < 0
        assert found.p_value == other[name].p_value == pytest.approx(1 / 1001)


def test_p_is_uniform_where_the_systems_are_alike() -> None:
    """Of 100 pairs of systems that differ by chance alone, about one in ten has p <= 0.1."""
    generator = np.random.default_rng(11)
    small = 0
    for _ in range(100):
        first, second = (of_lengths(list(generator.random(20))) for _ in range(2))
        small += differences("e2e", first, second, samples=99)["ROUGE_L"].p_value <= 0.1
    assert 2 <= small <= 20  # 10 expected, standard deviation 3


def test_scores_that_one_system_lacks_are_left_out() -> None:
    evaluation = evaluate("e2e", *texts(1, 10, 0.3))
    without = {column: counts for column, counts in evaluation.stats.items() if not column.startswith("CIDEr")}
    found = differences("e2e", evaluation.stats, without, samples=100)
    assert "BLEU" in found
    assert "CIDEr" not in found
    assert intervals("e2e", {}) == {}


def test_different_numbers_of_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers of segments"):
        differences("e2e", of_lengths([0.1, 0.2]), of_lengths([0.1]))


def test_parts_have_no_counts_of_scores_that_weigh_by_all_inputs() -> None:
    outputs, references = texts(4, 60, 0.3)
    groups = ["small"] * 20 + ["large"] * 40
    evaluation = evaluate("CIDEr, NIST, chrF", outputs, references, groups)
    found = intervals("CIDEr, NIST, chrF", evaluation.stats, groups, samples=100)
    assert {name for name in evaluation.scores if name not in found} == {
        f"{metric}/{group}" for metric in OF_ALL_INPUTS for group in ("small", "large")
    }
    for name, interval in found.items():
        assert interval.low <= evaluation.scores[name].value <= interval.high  # type: ignore[operator]
    assert differences(
        "NIST", *[evaluate("NIST", outputs, references, groups).stats] * 2, groups, samples=9
    ).keys() == {"NIST/all", "NIST_mteval/all"}

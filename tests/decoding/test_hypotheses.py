"""The bookkeeping of a beam search, in numbers worked out by hand; whole searches are in test_beam_search.py."""

import pytest

from prefixrun.decoding.hypotheses import BeamHypotheses, ngram_repeats, select_running_beams

END = 0


def search(*, total_norm: bool, penalty: float = 1.0, beams: int = 2, prompt_len: int = 2) -> BeamHypotheses:
    return BeamHypotheses(beams=beams, prompt_len=prompt_len, length_penalty=penalty, total_norm=total_norm)


@pytest.mark.parametrize(
    ("total_norm", "penalty", "ended", "score"),
    [
        (True, 1.0, True, -6 / 5),  # prompt 2, output 3; the end token is not counted
        (True, 1.0, False, -6 / 5),
        (True, 2.0, True, -6 / 25),
        (False, 1.0, True, -6 / 4),  # output 3 and its end token
        (False, 1.0, False, -6 / 3),
        (False, 0.0, True, -6.0),
    ],
)
def test_the_score_of_a_hypothesis(total_norm: bool, penalty: float, ended: bool, score: float) -> None:
    beams = search(total_norm=total_norm, penalty=penalty)
    beams.add([5, 6, 7], -6.0, ended=ended)
    assert beams.finished == [(pytest.approx(score), [5, 6, 7])]


def test_only_the_best_are_kept_in_order() -> None:
    beams = search(total_norm=True, penalty=0.0)
    for score, token in ((-3.0, 5), (-1.0, 6), (-2.0, 7), (-4.0, 8)):
        beams.add([token], score, ended=True)
    assert beams.finished == [(-1.0, [6]), (-2.0, [7])]


def test_when_no_beam_can_improve() -> None:
    old, new = search(total_norm=True), search(total_norm=False)
    for beams in (old, new):
        beams.add([5], -3.0, ended=True)
        assert not beams.is_done(-99.0, -99.0, 2), "one of two is finished"
        beams.add([6], -3.0, ended=True)
    # Old: worst finished -3 / 3 = -1 against the best candidate over 2 + 3 - 1 = 4, whatever the running beams are.
    assert (old.is_done(-3.9, -99.0, 3), old.is_done(-4.0, 0.0, 3)) == (False, True)
    # New: worst finished -3 / 2 against the best running beam over 3, whatever the candidates are.
    assert (new.is_done(-99.0, -4.4, 3), new.is_done(0.0, -4.5, 3)) == (False, True)


def test_only_candidates_among_the_best_may_finish() -> None:
    beams = search(total_norm=True)
    running = select_running_beams(
        [beams], [[-1.0, -2.0, -3.0, -4.0]], [[0, 1, 0, 1]], [[7, END, END, 8]], [[[5], [6]]], end=END, limit=9
    )
    assert running == [[0, 3]]
    assert [ids for _, ids in beams.finished] == [[6]], "the end at rank 2 is none of the best two"


def test_the_last_step_takes_the_running_beams() -> None:
    beams = search(total_norm=False, penalty=0.0)
    step = ([[-1.0, -2.0, -3.0, -4.0]], [[0, 1, 0, 1]], [[7, END, 8, 9]], [[[5], [6]]])
    assert select_running_beams([beams], *step, end=END, limit=2) == [[]]
    assert beams.finished == [(-1.0, [5, 7]), (-2.0, [6])]


def test_a_search_that_is_done_at_its_last_step_takes_no_running_beam() -> None:
    """The paper's version adds the running beams at the end only where the search is not done."""
    beams = search(total_norm=True, penalty=2.0)
    beams.add([5], -1.0, ended=True)
    beams.add([6], -1.1, ended=True)
    # At the third token -2.0 counts -2.0 / 4**2 for the stop; as a hypothesis, -2.0 / 5**2, it would be the best.
    step = ([[-2.0, -2.1, -2.2, -2.3]], [[0, 1, 0, 1]], [[3, 4, 5, 6]], [[[1, 2], [1, 3]]])
    assert select_running_beams([beams], *step, end=END, limit=3) == [[]]
    assert [ids for _, ids in beams.finished] == [[5], [6]]


def test_greedy_ends_with_its_first_end() -> None:
    beams = search(total_norm=False, beams=1)
    assert select_running_beams([beams], [[-1.0, -2.0]], [[0, 0]], [[END, 5]], [[[]]], end=END, limit=9) == [[]]
    assert beams.finished == [(-1.0, [])]


@pytest.mark.parametrize(
    ("ids", "length", "banned"),
    [
        ([5, 6, 5], 0, set()),
        ([5, 6, 5], 1, {5, 6}),
        ([5, 6, 5], 2, {6}),
        ([5, 6, 5, 7, 5], 2, {6, 7}),
        ([5, 6, 7, 5, 6], 3, {7}),
        ([5, 6, 7, 6, 5], 3, set()),
        ([], 2, set()),
        ([5], 3, set()),
    ],
)
def test_tokens_that_would_repeat_an_ngram(ids: list[int], length: int, banned: set[int]) -> None:
    assert ngram_repeats(ids, length) == banned

"""The best continuations against a plain log-softmax over the whole vocabulary."""

from functools import partial

import pytest
import torch
from torch.nn.functional import linear

from prefixrun.decoding.candidates import BLOCK, Repetition, indices_of, top_candidates


@pytest.mark.parametrize("vocabulary", [16 * BLOCK, 16 * BLOCK - 1, 4 * BLOCK])
@pytest.mark.parametrize("banned", [[], [3, 700]])
def test_candidates_are_the_plain_top_of_log_softmax(vocabulary: int, banned: list[int]) -> None:
    """Vocabularies of whole blocks, more and fewer than the 6 candidates a row, and one that is not."""
    generator = torch.Generator().manual_seed(vocabulary)
    hidden = torch.randn(2, 3, 16, generator=generator)
    head = torch.randn(vocabulary, 16, generator=generator)
    scores = torch.randn(2, 3, generator=generator)
    # The best of a row may all lie in one block: let one row be like that.
    head[256:262] = hidden[0, 0] * torch.linspace(2, 3, 6)[:, None]
    best, beams, tokens = top_candidates(hidden, partial(linear, weight=head), scores, banned, 6)

    plain = (hidden @ head.T).log_softmax(2) + scores[:, :, None]
    plain[:, :, banned] = -torch.inf
    values, indices = plain.flatten(1).topk(6, dim=1)
    torch.testing.assert_close(best, values, rtol=0, atol=1e-4)
    torch.testing.assert_close(plain[torch.arange(2)[:, None], beams, tokens], values, rtol=0, atol=1e-4)
    assert torch.equal(beams * vocabulary + tokens, indices)


def test_rows_have_banned_tokens_that_keep_their_share_of_the_softmax() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden, head = torch.randn(1, 2, 4, generator=generator), torch.randn(6, 4, generator=generator)
    plain = (hidden @ head.T).log_softmax(2)
    banned = [{int(plain[0, 0].argmax())}, {1, 2}]
    for row, tokens in enumerate(banned):
        plain[0, row, list(tokens)] = -torch.inf
    values, indices = plain.flatten(1).topk(9, dim=1)
    candidates = top_candidates(hidden, partial(linear, weight=head), torch.zeros(1, 2), [], 9, banned)
    torch.testing.assert_close(candidates.scores, values)
    assert torch.equal(candidates.beams * 6 + candidates.tokens, indices)


def test_there_are_no_more_candidates_than_continuations() -> None:
    candidates = top_candidates(
        torch.randn(2, 2, 4), partial(linear, weight=torch.randn(3, 4)), torch.zeros(2, 2), [], 9
    )
    assert candidates.tokens.shape == (2, 6)
    for beams, tokens in zip(candidates.beams.tolist(), candidates.tokens.tolist(), strict=True):
        assert set(zip(beams, tokens, strict=True)) == {(beam, token) for beam in range(2) for token in range(3)}


def test_the_tokens_of_all_rows_are_penalised_at_once() -> None:
    scores = torch.tensor([[2.0, -2.0, 1.0], [4.0, 1.0, -1.0], [1.0, 1.0, 1.0]])
    penalised = Repetition(2.0, [{0, 1}, {2}, set()], of_log_probabilities=False).apply(scores.clone())
    assert penalised.tolist() == [[1.0, -4.0, 1.0], [4.0, 1.0, -2.0], [1.0, 1.0, 1.0]]
    assert [indices.tolist() for indices in indices_of([set(), set()], scores.device)] == [[], []]

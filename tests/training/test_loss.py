"""The loss through a frozen output layer against PyTorch's cross-entropy."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div

from prefixrun.training import loss
from prefixrun.training.loss import CHUNK, TeacherStates, target_nll, teacher_kl

WIDTH, VOCABULARY = 16, 40


def problem(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """hidden, weight, targets, factors."""
    generator = torch.Generator().manual_seed(count)
    return (
        torch.randn(count, WIDTH, generator=generator),
        torch.randn(VOCABULARY, WIDTH, generator=generator),
        torch.randint(VOCABULARY, (count,), generator=generator),
        torch.rand(count, generator=generator),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_value_and_gradient_are_those_of_cross_entropy(count: int, smoothing: float) -> None:
    hidden, weight, targets, factors = problem(count)
    ours, theirs = hidden.clone().requires_grad_(True), hidden.clone().requires_grad_(True)
    loss = target_nll(ours, weight, targets, factors, None, smoothing)
    losses = cross_entropy(theirs @ weight.T, targets, reduction="none", label_smoothing=smoothing)
    expected = (losses * factors).sum()
    torch.testing.assert_close(loss, expected)
    # The gradient from above is not always 1: accumulated batches are averaged.
    (loss / 3).backward()
    (expected / 3).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-6)


def test_a_number_worked_out_by_hand() -> None:
    """Logits (ln 1, ln 4): probabilities 1/5 and 4/5."""
    hidden, weight = torch.ones(2, 1), torch.tensor([[1.0], [4.0]]).log()
    loss = target_nll(hidden, weight, torch.tensor([0, 1]), torch.tensor([2.0, 10.0]))
    assert float(loss) == pytest.approx(2 * 1.6094379 + 10 * 0.2231436)


def test_nothing_is_kept_where_no_gradient_is_wanted() -> None:
    hidden, weight, targets, factors = problem(5)
    loss = target_nll(hidden, weight, targets, factors)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, (cross_entropy(hidden @ weight.T, targets, reduction="none") * factors).sum())


def test_an_evaluation_computes_no_gradients_of_what_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight, targets, factors = problem(5)
    weight.requires_grad_()
    wanted: list[bool] = []
    losses = loss._losses

    def watched(*arguments: Any, wants_gradient: bool) -> Tensor:
        wanted.append(wants_gradient)
        return losses(*arguments, wants_gradient=wants_gradient)

    monkeypatch.setattr(loss, "_losses", watched)
    trained = target_nll(hidden, weight, targets, factors)
    with torch.no_grad():
        measured = target_nll(hidden, weight, targets, factors)
    assert wanted == [True, False]
    assert torch.equal(measured, trained)


def test_half_precision_is_summed_in_full() -> None:
    hidden, weight, targets, factors = problem(600)
    hidden = hidden.bfloat16().requires_grad_(True)
    loss = target_nll(hidden, weight.bfloat16(), targets, factors)
    loss.backward()
    assert (loss.dtype, hidden.grad.dtype) == (torch.float32, torch.bfloat16)  # type: ignore[union-attr]
    expected = (cross_entropy(hidden.float() @ weight.T, targets, reduction="none") * factors).sum()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=5e-3)


def test_the_output_layers_gradient_in_half_precision_is_rounded_once() -> None:
    hidden, weight, targets, factors = problem(600)
    weight = weight.bfloat16().requires_grad_(True)
    target_nll(hidden.bfloat16(), weight, targets, factors).backward()
    exact = weight.detach().float().requires_grad_(True)
    (cross_entropy(hidden.bfloat16().float() @ exact.T, targets, reduction="none") * factors).sum().backward()
    found, expected = weight.grad, exact.grad
    assert found is not None
    assert expected is not None
    assert found.dtype == torch.bfloat16
    assert float((found - expected).norm() / expected.norm()) < 0.01


def test_the_output_layer_gets_its_gradient_where_it_is_trained() -> None:
    hidden, weight, targets, factors = problem(300)
    weight.requires_grad_(True)
    target_nll(hidden, weight, targets, factors).backward()
    found, weight.grad = weight.grad, None
    nll = torch.nn.functional.cross_entropy(hidden @ weight.T, targets, reduction="none")
    (nll * factors).sum().backward()
    torch.testing.assert_close(found, weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cap", [None, 2.0])
def test_bias_and_cap_of_an_output_layer(cap: float | None) -> None:
    """As in Phi and Gemma 2, with the gradients of all that may be trained."""
    hidden, weight, targets, factors = problem(CHUNK + 9)
    bias = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(1))
    ours, theirs = ([tensor.clone().requires_grad_(True) for tensor in (hidden, weight, bias)] for _ in range(2))
    loss = target_nll(ours[0], ours[1], targets, factors, ours[2], cap=cap)
    logits = theirs[0] @ theirs[1].T + theirs[2]
    if cap is not None:
        logits = cap * torch.tanh(logits / cap)
    expected = (cross_entropy(logits, targets, reduction="none") * factors).sum()
    torch.testing.assert_close(loss, expected)
    (loss / 3).backward()
    (expected / 3).backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cap", [None, 3.0])
@pytest.mark.parametrize("count", [1, CHUNK + 1, 2 * CHUNK + 7])
def test_a_divergence_and_its_gradients_are_those_of_torch(count: int, cap: float | None) -> None:
    hidden, weight, _, factors = problem(count)
    taught, taught_weight, _, _ = problem(count + 1)
    teacher = TeacherStates(taught[:count], taught_weight, torch.linspace(-1, 1, VOCABULARY))
    bias = torch.linspace(1, -1, VOCABULARY)
    ours, theirs = ([one.clone().requires_grad_(True) for one in (hidden, weight, bias)] for _ in range(2))
    loss = teacher_kl(ours[0], ours[1], teacher, factors, ours[2], cap)

    def log_probabilities(states: Tensor, head: Tensor, shift: Tensor) -> Tensor:
        logits = states @ head.T + shift
        return (logits if cap is None else cap * torch.tanh(logits / cap)).log_softmax(dim=1)

    assert teacher.bias is not None
    wanted = log_probabilities(teacher.hidden, teacher.weight, teacher.bias)
    each = kl_div(log_probabilities(*theirs), wanted, reduction="none", log_target=True).sum(dim=1)
    expected = (each * factors).sum()
    torch.testing.assert_close(loss, expected)
    (loss / 3).backward()
    (expected / 3).backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_nothing_diverges_from_itself() -> None:
    hidden, weight, _, factors = problem(5)
    states = hidden.clone().requires_grad_(True)
    loss = teacher_kl(states, weight, TeacherStates(hidden, weight), factors)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(states.grad, torch.zeros_like(hidden))

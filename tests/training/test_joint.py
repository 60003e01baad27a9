"""Trainings in one pass: each gets what it would have got alone, whatever the others are and however they end."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config, ModelConfig, TrainConfig
from prefixrun.errors import PrefixrunError
from prefixrun.methods import Method, build
from prefixrun.models.backbone import Backbone, load
from prefixrun.models.batches import PairIds
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.gradients import Gradients, Step
from prefixrun.training.interrupts import Pending
from prefixrun.training.joint import together
from prefixrun.training.trainer import Progress, Training, advance, alone

END = 256
PAIRS = [PairIds((*range(10 * i, 10 * i + 3 + i % 3), END), (*range(200 - 3 * i, 205 - 2 * i), END)) for i in range(8)]
PLAIN = TrainConfig(
    epochs=3,
    lr=0.02,
    batch_size=2,
    loss_mode="token_mean",
    targets_per_row=2,
    eval_examples=0,
    checkpoint_every=1,
)
LAYOUTS = {"tiny_gpt2": "paper", "tiny_llama": "paper", "tiny_bart": "bart", "tiny_t5": "t5"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=list(LAYOUTS))
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return a_backbone(request.param)


def a_backbone(name: str) -> Backbone:
    return load(ModelConfig(name=name, source="random", architecture=name, layout=LAYOUTS[name]))  # type: ignore[arg-type]


class Member:
    """One training with everything it leaves."""

    def __init__(self, backbone: Backbone, number: int, directory: Path, **changes: object) -> None:
        words, own = MEMBERS[number]
        config: Config = compose([f"seed={number}", "init=random", *words])
        self.method: Method = build(config, backbone)
        self.losses: list[float] = []
        self.training = Training(
            self.method,
            backbone,
            PAIRS[number:],
            PAIRS[:2],
            replace(PLAIN, **own, **changes),  # type: ignore[arg-type]
            seed=number,
            checkpoints=Checkpoints(directory / str(number)),
        )
        self.interruption = Pending()
        self.steps = self.training.steps(self.report, self.interruption)
        self.report_too: Callable[[int], None] = lambda step: None

    def report(self, progress: Progress, steps: int, loss: float) -> None:
        self.losses.append(loss)
        self.report_too(progress.step)

    @property
    def kept(self) -> dict[str, Tensor]:
        return self.training.kept()


MEMBERS: list[tuple[list[str], dict[str, object]]] = [
    (["method=prefix", "method.mid_dim=8", "prefix_len=3"], {"loss_mode": "sentence_sum"}),
    (["method=prefix_flat", "prefix_len=6"], {"lr": 0.1, "epochs": 1}),
    (["method=prefix_flat", "prefix_len=1", "method.prefix_dropout=0.1"], {"accumulate": 2, "warmup_steps": 2}),
]


def members(backbone: Backbone, directory: Path, **changes: object) -> list[Member]:
    return [Member(backbone, number, directory, **changes) for number in range(len(MEMBERS))]


def train_together(found: list[Member], backbone: Backbone) -> None:
    together([partial(advance, member.steps) for member in found], backbone)


@pytest.fixture
def separate(backbone: Backbone, tmp_path: Path) -> list[Member]:
    found = members(backbone, tmp_path / "separate")
    for member in found:
        alone(member.steps, backbone)
    return found


def assert_equal_results(found: list[Member], expected: list[Member]) -> None:
    """Adam divides by the size of the gradient, so where that is nothing but rounding, rounding moves a parameter."""
    for one, other in zip(found, expected, strict=True):
        assert one.losses == pytest.approx(other.losses, rel=1e-5)
        for name, tensor in other.kept.items():
            torch.testing.assert_close(one.kept[name], tensor, rtol=1e-3, atol=1e-3)
        ours, theirs = one.training.progress, other.training.progress
        assert [each["dev_loss"] for each in ours.history] == [
            pytest.approx(each["dev_loss"], rel=1e-5) for each in theirs.history
        ]
        assert (ours.step, ours.pair_tokens, ours.positions) == (theirs.step, theirs.pair_tokens, theirs.positions)


def test_each_gets_what_it_would_have_got_alone(backbone: Backbone, separate: list[Member], tmp_path: Path) -> None:
    """Of different lengths, seeds, rates, losses and numbers of steps; MLP and free ones."""
    found = members(backbone, tmp_path / "together")
    train_together(found, backbone)
    assert_equal_results(found, separate)
    assert len({member.training.step_count for member in found}) == 3
    assert [member.training.progress.joint for member in found] == [3, 3, 3]
    assert [member.training.progress.joint for member in separate] == [1, 1, 1]
    assert not backbone.model.training


def test_an_embedding_can_be_one_of_them(tmp_path: Path) -> None:
    backbone = a_backbone("tiny_llama")
    MEMBERS.append((["method=embedding", "method.mid_dim=8", "prefix_len=2"], {}))
    try:
        separate, found = members(backbone, tmp_path / "separate"), members(backbone, tmp_path / "together")
        for member in separate:
            alone(member.steps, backbone)
        train_together(found, backbone)
        assert_equal_results(found, separate)
    finally:
        MEMBERS.pop()


def test_the_time_of_a_pass_is_shared_out_by_positions(tmp_path: Path) -> None:
    backbone = a_backbone("tiny_llama")
    found = members(backbone, tmp_path)
    given: list[Gradients] = []

    def watched(member: Member, last: Gradients | None) -> Step | None:
        if last is not None:
            given.append(last)
        return advance(member.steps, last)

    together([partial(watched, member) for member in found], backbone)
    first = given[:3]
    assert [each.joint for each in first] == [3, 3, 3]
    speeds = [each.seconds / each.positions for each in first]
    assert speeds == [pytest.approx(speeds[0])] * 3


def test_a_loss_that_is_no_number_ends_its_own_run_alone(
    backbone: Backbone, separate: list[Member], tmp_path: Path
) -> None:
    found = members(backbone, tmp_path / "together")
    errors: list[str] = []

    def break_it(step: int) -> None:
        if step == 2:
            with torch.no_grad():
                next(found[1].method.parameters()).fill_(torch.nan)

    def caught(member: Member, last: Gradients | None) -> Step | None:
        try:
            return advance(member.steps, last)
        except PrefixrunError as error:
            errors.append(str(error))
            return None

    found[1].report_too = break_it
    together([partial(caught, member) for member in found], backbone)
    assert errors == ["step 3: the loss is not a number; lower train.lr (now 0.1)"]
    assert_equal_results([found[0], found[2]], [separate[0], separate[2]])


def test_those_that_were_stopped_at_different_steps_go_on_together(
    backbone: Backbone, separate: list[Member], tmp_path: Path
) -> None:
    """The second had not begun; the third goes on alone at the end."""
    for number, stop in ((0, 1), (2, 3)):
        member = Member(backbone, number, tmp_path / "together")
        member.report_too = partial(interrupt, member, stop)
        alone(member.steps, backbone)
        assert member.training.progress.step == stop
    found = members(backbone, tmp_path / "together")
    assert [member.training.progress.step for member in found] == [1, 0, 3]
    train_together(found, backbone)
    for member, whole in zip(found, separate, strict=True):
        member.losses = whole.losses[: len(whole.losses) - len(member.losses)] + member.losses
    assert_equal_results(found, separate)


def interrupt(member: Member, stop: int, step: int) -> None:
    if step == stop:
        member.interruption.number = 2

"""The training loop on tiny frozen models: what moves, what does not, and that a stop changes nothing."""

import math
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from prefixrun.config.schema import ModelConfig, TrainConfig
from prefixrun.errors import DamagedStateError, DivergedError, PrefixrunError
from prefixrun.methods.prefix import FixedPrefix, MLPPrefix, Prefix
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds
from prefixrun.models.loading import load
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.training.batch_loss import mean_nll
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import Pending, deferred
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Report, Trainer, schedule
from training_settings import PLAIN

PREFIX_LEN = 6
END = 256
PAIRS = [PairIds((*range(10 * i, 10 * i + 3 + i % 3), END), (*range(200 - 3 * i, 205 - 2 * i), END)) for i in range(8)]
"""Eight pairs of different sources and lengths."""


class Stopped(Exception):
    """A kill, as far as the loop can tell."""


def a_prefix(backbone: Backbone, name: str = "prefix_flat", seed: int = 0) -> Prefix:
    torch.manual_seed(seed)
    if name == "prefix":
        return MLPPrefix(backbone.shape, backbone.sites, PREFIX_LEN, mid_dim=16)
    return FlatPrefix(backbone.shape, backbone.sites, PREFIX_LEN)


def flat_of(prefix: Prefix) -> Tensor:
    return prefix.stored_key_values()["decoder"].detach().clone()


def silent(progress: Progress, steps: int, loss: float) -> None:
    pass


def train(
    prefix: Prefix,
    backbone: Backbone,
    config: TrainConfig,
    directory: Path,
    *,
    pairs: Sequence[PairIds] = PAIRS,
    dev: Sequence[PairIds] = (),
    report: Report = silent,
) -> tuple[Progress, dict[str, Tensor]]:
    trainer = Trainer(prefix, backbone, pairs, dev, config, seed=1, checkpoints=Checkpoints(directory))
    with deferred() as interruption:
        trained = trainer.fit(report, interruption)
    return trainer.progress, trained


def run(prefix: Prefix, backbone: Backbone, config: TrainConfig, directory: Path, **more: Any) -> Progress:
    return train(prefix, backbone, config, directory, **more)[0]


def plain_nll(backbone: Backbone, flat: Tensor, pair: PairIds) -> float:
    """Sum over the target's tokens, one pair alone."""
    text = [*pair.source, *pair.target[:-1]]
    with torch.no_grad(), attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat}, torch.float32)):
        logits = backbone.model(
            input_ids=torch.tensor([text]),
            position_ids=torch.arange(PREFIX_LEN, PREFIX_LEN + len(text))[None],
            attention_mask=causal_mask(len(text), torch.float32, flat.device),
            use_cache=False,
        ).logits[0, len(pair.source) - 1 :]
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(pair.target), reduction="sum"))


@pytest.mark.parametrize("loss_mode", ["sentence_sum", "token_mean"])
def test_the_reported_loss_is_nats_a_token_in_either_mode(backbone: Backbone, loss_mode: str, tmp_path: Path) -> None:
    prefix = a_prefix(backbone)
    flat = flat_of(prefix)
    config = replace(PLAIN, batch_size=8, max_steps=1, loss_mode=loss_mode)
    losses: list[float] = []
    run(prefix, backbone, config, tmp_path, report=lambda *seen: losses.append(seen[2]))
    expected = sum(plain_nll(backbone, flat, pair) for pair in PAIRS) / sum(len(pair.target) for pair in PAIRS)
    assert losses == [pytest.approx(expected, rel=1e-5)]


def moved_by_one_step(backbone: Backbone, config: TrainConfig, directory: Path) -> Tensor:
    prefix = a_prefix(backbone)
    start = flat_of(prefix)
    run(prefix, backbone, replace(config, max_steps=1, epochs=1), directory)
    return flat_of(prefix) - start


def test_the_loss_modes_scale_the_gradient(backbone: Backbone, tmp_path: Path) -> None:
    """A sentence's sum is as many times the token mean as targets have tokens. Adam's epsilon of 1e6 makes its step
    proportional to the gradient."""
    config = replace(PLAIN, batch_size=8, lr=1e6, adam_eps=1e6, clip_norm=1e9)
    by_mode = [
        moved_by_one_step(backbone, replace(config, loss_mode=mode), tmp_path / mode)
        for mode in ("sentence_sum", "token_mean")
    ]
    ratio = sum(len(pair.target) for pair in PAIRS) / len(PAIRS)
    torch.testing.assert_close(by_mode[0], ratio * by_mode[1], rtol=1e-3, atol=1e-5)


def test_gradients_are_clipped_to_the_norm(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(PLAIN, batch_size=8, lr=1e6, adam_eps=1e6)
    free = moved_by_one_step(backbone, replace(config, clip_norm=1e9), tmp_path / "free")
    tenth = float(free.norm()) / 10
    clipped = moved_by_one_step(backbone, replace(config, clip_norm=tenth), tmp_path / "clipped")
    torch.testing.assert_close(clipped, free / 10, rtol=1e-3, atol=1e-5)
    above = moved_by_one_step(backbone, replace(config, clip_norm=20 * tenth), tmp_path / "above")
    assert torch.equal(above, free)


def test_weight_decay_is_decoupled_and_off_by_default(backbone: Backbone, tmp_path: Path) -> None:
    start = flat_of(a_prefix(backbone))
    config = replace(PLAIN, batch_size=8, lr=0.1, adam_eps=1e12)  # the gradient moves nothing
    assert PLAIN.weight_decay == 0
    torch.testing.assert_close(moved_by_one_step(backbone, config, tmp_path / "0"), torch.zeros_like(start))
    decayed = moved_by_one_step(backbone, replace(config, weight_decay=0.5), tmp_path / "1")
    torch.testing.assert_close(decayed, -0.05 * start)


def test_two_accumulated_batches_of_four_are_one_of_eight(backbone: Backbone, tmp_path: Path) -> None:
    pairs = [PairIds((i, END), (i + 50, i + 51, END)) for i in range(8)]
    results = []
    for batch_size, accumulate in ((8, 1), (4, 2)):
        prefix = a_prefix(backbone)
        config = replace(PLAIN, epochs=3, batch_size=batch_size, accumulate=accumulate, adam_eps=1e-2)
        progress = run(prefix, backbone, config, tmp_path / str(batch_size), pairs=pairs)
        assert progress.step == 3
        results.append(flat_of(prefix))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"epochs": 3}, 12),
        ({"epochs": 3, "max_steps": 5}, 5),
        ({"epochs": 3, "max_steps": 4}, 4),
        ({"epochs": 1, "max_steps": 50}, 4),
        ({"epochs": 2, "accumulate": 3}, 4),
        ({"epochs": 1, "batch_size": 3}, 3),
    ],
)
def test_how_many_steps(backbone: Backbone, settings: dict[str, int], steps: int, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report: Report = lambda progress, total, _: seen.append((progress.step, total))  # noqa: E731
    progress = run(a_prefix(backbone), backbone, replace(PLAIN, **settings), tmp_path, report=report)  # type: ignore[arg-type]
    assert progress.step == steps
    assert seen == [(step, steps) for step in range(1, steps + 1)]


def test_the_schedule() -> None:
    assert [schedule(step, 4, 0) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
    assert [schedule(step, 6, 2) for step in range(6)] == [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    assert schedule(0, 1, 0) == 1.0


def test_the_schedule_is_followed(backbone: Backbone, tmp_path: Path) -> None:
    """With a large epsilon and no momentum each step is rate x gradient: the first of the warm-up moves nothing, and
    the sizes of the others follow the rate (the gradient hardly changes, so small are they)."""
    prefix = a_prefix(backbone)
    places = [flat_of(prefix)]
    config = replace(
        PLAIN, epochs=6, batch_size=8, warmup_steps=2, lr=1e3, adam_eps=1e6, adam_beta1=0.0, adam_beta2=0.0
    )
    run(prefix, backbone, config, tmp_path, report=lambda *_: places.append(flat_of(prefix)))
    sizes = [float((after - before).norm()) for before, after in pairwise(places)]
    assert sizes[0] == 0
    assert [size / sizes[2] for size in sizes] == pytest.approx([0.0, 0.5, 1.0, 0.75, 0.5, 0.25], rel=0.02)


def test_what_is_counted(backbone: Backbone, tmp_path: Path) -> None:
    prefix = a_prefix(backbone)
    progress = run(prefix, backbone, PLAIN, tmp_path, dev=PAIRS[:3])
    tokens = sum(len(pair.source) + len(pair.target) for pair in PAIRS)
    assert progress.pair_tokens == 3 * tokens
    assert progress.positions >= 3 * (tokens - len(PAIRS)), "the last id of a target is never read"
    assert progress.seconds > 0
    assert [entry["step"] for entry in progress.history] == [4, 8, 12]
    assert progress.history[-1]["dev_loss"] == pytest.approx(mean_nll(prefix, backbone, PAIRS[:3]))
    losses = [entry["train_loss"] for entry in progress.history]
    assert losses == sorted(losses, reverse=True)


def test_the_train_loss_of_an_epoch_is_the_mean_over_its_tokens(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(PLAIN, epochs=1, lr=1e-12)
    prefix = a_prefix(backbone)
    progress = run(prefix, backbone, config, tmp_path)
    assert progress.history == [{"step": 4, "train_loss": pytest.approx(mean_nll(prefix, backbone, PAIRS))}]


def test_the_mean_loss_is_that_of_each_pair_alone(backbone: Backbone) -> None:
    prefix = a_prefix(backbone)
    flat = flat_of(prefix)
    pairs = [PairIds((i, END), tuple(range(i, i + 1 + i % 7))) for i in range(40)]
    expected = sum(plain_nll(backbone, flat, pair) for pair in pairs) / sum(len(pair.target) for pair in pairs)
    assert mean_nll(prefix, backbone, pairs) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_an_error(backbone: Backbone, number: float, tmp_path: Path) -> None:
    prefix = a_prefix(backbone)
    assert isinstance(prefix, FlatPrefix)

    def break_it(progress: Progress, steps: int, loss: float) -> None:
        if progress.step == 2:
            with torch.no_grad():
                prefix.prefix["decoder"][0, 0, 0, 0, 0] = number

    with pytest.raises(
        PrefixrunError, match=r"step 3: the loss is not a number; .* try train\.lr=0\.007 \(now 0\.02\)"
    ):
        run(prefix, backbone, replace(PLAIN, checkpoint_every=1), tmp_path, report=break_it)


def test_a_loss_that_stays_high_ends_the_training_with_its_best_state(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a stop lies between, and where the training ends before there are enough steps."""
    prefix, backward = a_prefix(backbone), Trainer._backward

    def louder(self: Trainer, *rest: Any) -> tuple[list[Tensor], list[float]]:
        losses, weights = backward(self, *rest)
        return [loss * (6 if self.progress.step > 3 else 1) for loss in losses], weights

    monkeypatch.setattr(Trainer, "_backward", louder)
    config = replace(PLAIN, epochs=3, eval_every=2, checkpoint_every=1, diverged_steps=4, lr=1e-3)
    with pytest.raises(Stopped):
        run(prefix, backbone, config, tmp_path, dev=PAIRS[:2], report=stop_at(5))
    prefix = a_prefix(backbone)
    with pytest.raises(DivergedError, match=r"step 6: the training loss is .* over the last 4 steps") as raised:
        run(prefix, backbone, config, tmp_path, dev=PAIRS[:2])
    history: Any = raised.value.details["history"]
    assert [entry["step"] for entry in history] == [2, 4, 6]
    losses = [entry["dev_loss"] for entry in history[:2]]
    assert mean_nll(FixedPrefix(raised.value.state), backbone, PAIRS[:2]) == pytest.approx(min(losses))

    with pytest.raises(DivergedError, match=r"step 5: the training loss is .* over the last 4 steps"):
        run(
            a_prefix(backbone),
            backbone,
            replace(config, max_steps=5, diverged_steps=99, diverged_factor=2.0),
            tmp_path / "end",
        )
    assert run(a_prefix(backbone), backbone, replace(config, diverged_factor=None), tmp_path / "never").step == 12


def stop_at(step: int) -> Report:
    def report(progress: Progress, steps: int, loss: float) -> None:
        if progress.step == step:
            raise Stopped

    return report


def without_time(progress: Progress) -> Progress:
    return replace(progress, seconds=0.0)


def parameters(prefix: Prefix) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in prefix.named_parameters()}


def assert_equal_to_the_bit(first: Prefix, second: Prefix) -> None:
    for name, parameter in parameters(first).items():
        assert torch.equal(parameter, parameters(second)[name]), name


RESUMED = replace(PLAIN, epochs=3, batch_size=2, accumulate=2, warmup_steps=1, weight_decay=0.01, targets_per_row=2)
"""Six steps, two an epoch, with all that has a state."""


@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
@pytest.mark.parametrize("every", [1, 4])
def test_a_stop_after_any_step_changes_nothing(backbone: Backbone, method: str, every: int, tmp_path: Path) -> None:
    config = replace(RESUMED, checkpoint_every=every)
    whole = a_prefix(backbone, method)
    expected = run(whole, backbone, config, tmp_path / "whole", dev=PAIRS[:2])
    assert expected.step == 6
    for step in range(1, 7):
        directory = tmp_path / str(step)
        with pytest.raises(Stopped):
            run(a_prefix(backbone, method), backbone, config, directory, dev=PAIRS[:2], report=stop_at(step))
        # Another start shows that everything comes from the checkpoint, where there is one.
        saved = step > every
        resumed = a_prefix(backbone, method, seed=99 if saved else 0)
        done: list[int] = []
        progress = run(
            resumed,
            backbone,
            config,
            directory,
            dev=PAIRS[:2],
            report=lambda now, *_: done.append(now.step),  # noqa: B023
        )
        assert done[0] == (step - 1) // every * every + 1
        assert_equal_to_the_bit(resumed, whole)
        assert without_time(progress) == without_time(expected)


@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
def test_gradient_checkpointing_changes_no_number(backbone: Backbone, method: str, tmp_path: Path) -> None:
    plain, checkpointed = a_prefix(backbone, method), a_prefix(backbone, method)
    expected = run(plain, backbone, RESUMED, tmp_path / "plain", dev=PAIRS[:2])
    config = replace(RESUMED, gradient_checkpointing=True)
    assert without_time(run(checkpointed, backbone, config, tmp_path / "own", dev=PAIRS[:2])) == without_time(expected)
    assert_equal_to_the_bit(checkpointed, plain)


def test_stops_after_every_second_step_add_up_to_the_same(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(RESUMED, checkpoint_every=1)
    whole = a_prefix(backbone, "prefix")
    expected = run(whole, backbone, config, tmp_path / "whole")
    for stop in (2, 3, 4, 5, 6):
        with pytest.raises(Stopped):
            run(a_prefix(backbone, "prefix"), backbone, config, tmp_path / "cut", report=stop_at(stop))
    last = a_prefix(backbone, "prefix")
    assert without_time(run(last, backbone, config, tmp_path / "cut")) == without_time(expected)
    assert_equal_to_the_bit(last, whole)


def test_a_finished_training_is_not_repeated(backbone: Backbone, tmp_path: Path) -> None:
    first, again = a_prefix(backbone), a_prefix(backbone, seed=99)
    expected = run(first, backbone, PLAIN, tmp_path)
    assert run(again, backbone, PLAIN, tmp_path, report=stop_at(12)) == expected
    assert_equal_to_the_bit(first, again)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_step_it_came_in(
    backbone: Backbone, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(got: int, _frame: object) -> None:
        raise Stopped(got)

    before = signal.signal(number, end)
    try:
        with pytest.raises(Stopped):
            run(a_prefix(backbone), backbone, RESUMED, tmp_path, report=signal_at(3, number))
    finally:
        signal.signal(number, before)
    saved, _ = Checkpoints(tmp_path).latest()
    assert saved is not None
    assert saved.step == 3
    resumed, whole = a_prefix(backbone, seed=99), a_prefix(backbone)
    run(resumed, backbone, RESUMED, tmp_path)
    run(whole, backbone, RESUMED, tmp_path / "whole")
    assert_equal_to_the_bit(resumed, whole)


def test_after_a_signal_during_the_initialisation_no_step_is_taken(backbone: Backbone, tmp_path: Path) -> None:
    prefix = a_prefix(backbone)
    before = flat_of(prefix)
    trainer = Trainer(prefix, backbone, PAIRS, (), PLAIN, seed=1, checkpoints=Checkpoints(tmp_path))
    interruption = Pending()
    interruption.number = signal.SIGTERM
    trained = trainer.fit(silent, interruption)
    assert trainer.progress.step == 0
    assert torch.equal(trained["decoder"], before)
    assert Checkpoints(tmp_path).latest() == (None, [])


def signal_at(step: int, number: int) -> Report:
    def report(progress: Progress, steps: int, loss: float) -> None:
        if progress.step == step:
            os.kill(os.getpid(), number)

    return report


def test_a_damaged_newest_checkpoint_costs_only_steps(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(RESUMED, checkpoint_every=1)
    whole = a_prefix(backbone)
    run(whole, backbone, config, tmp_path / "whole")
    cut: Callable[[], Progress] = lambda: run(  # noqa: E731
        a_prefix(backbone), backbone, config, tmp_path / "cut", report=stop_at(4)
    )
    with pytest.raises(Stopped):
        cut()
    (tmp_path / "cut" / "step-00000003.safetensors").write_bytes(b"damaged")
    resumed, done = a_prefix(backbone, seed=99), []
    run(resumed, backbone, config, tmp_path / "cut", report=lambda now, *_: done.append(now.step))
    assert done == [3, 4, 5, 6]
    assert_equal_to_the_bit(resumed, whole)

    for path in (tmp_path / "cut").glob("step-*.safetensors"):
        path.write_bytes(b"damaged")
    with pytest.raises(DamagedStateError):
        cut()


def test_the_dev_loss_is_measured_as_often_as_asked(backbone: Backbone, tmp_path: Path) -> None:
    progress = run(a_prefix(backbone), backbone, replace(PLAIN, eval_every=5), tmp_path, dev=PAIRS[:2])
    assert [entry["step"] for entry in progress.history] == [5, 10, 12], "and after the last step"


class Overfitting:
    """The dev pairs have other tokens than the training pairs, so that the dev loss soon rises."""

    train = tuple(PairIds((i, END), (i + 50, END)) for i in range(4))
    dev = tuple(PairIds((i, END), (i + 200, i + 201, i + 202)) for i in range(4))
    config = replace(PLAIN, epochs=40, batch_size=4, lr=0.3, eval_every=2, keep="best")


def kept(
    backbone: Backbone, config: TrainConfig, directory: Path, report: Report = silent
) -> tuple[Progress, dict[str, Tensor]]:
    return train(
        a_prefix(backbone), backbone, config, directory, pairs=Overfitting.train, dev=Overfitting.dev, report=report
    )


def test_the_best_state_is_kept_and_survives_a_stop(backbone: Backbone, tmp_path: Path) -> None:
    progress, best = kept(backbone, Overfitting.config, tmp_path / "whole")
    losses = [entry["dev_loss"] for entry in progress.history]
    assert min(losses) < losses[-1], "the last state is not the best"
    assert mean_nll(FixedPrefix(best), backbone, Overfitting.dev) == pytest.approx(min(losses))
    _, last = kept(backbone, replace(Overfitting.config, keep="last"), tmp_path / "last")
    assert mean_nll(FixedPrefix(last), backbone, Overfitting.dev) == pytest.approx(losses[-1])

    late = next(entry["step"] for entry in progress.history if entry["dev_loss"] == min(losses)) + 3
    config = replace(Overfitting.config, checkpoint_every=1)
    with pytest.raises(Stopped):
        kept(backbone, config, tmp_path / "stopped", stop_at(int(late)))
    _, resumed = kept(backbone, config, tmp_path / "stopped")
    assert all(torch.equal(tensor, best[name]) for name, tensor in resumed.items())


def test_training_stops_when_patience_ends(backbone: Backbone, tmp_path: Path) -> None:
    progress, _ = kept(backbone, replace(Overfitting.config, patience=1), tmp_path)
    losses = [entry["dev_loss"] for entry in progress.history]
    assert progress.step < 40
    assert losses.index(min(losses)) == len(losses) - 3, "one bad measurement is borne, the second ends it"


def test_a_training_that_patience_ends_can_have_diverged(backbone: Backbone, tmp_path: Path) -> None:
    """As at the end of a training, all its steps but the first count; here any loss counts as risen."""
    config = replace(Overfitting.config, patience=1, keep="last", diverged_factor=0.01, diverged_steps=1000)
    with pytest.raises(DivergedError):
        kept(backbone, config, tmp_path)


def test_the_language_models_dropout_can_be_kept_on(tmp_path: Path) -> None:
    backbone = load(ModelConfig(name="tiny", source="random", architecture="tiny_gpt2"))
    config = replace(PLAIN, lm_dropout=True, checkpoint_every=1)
    losses: dict[str, list[float]] = {"on": [], "again": [], "off": []}
    for name, seen in losses.items():
        setting = replace(config, lm_dropout=name != "off")
        run(a_prefix(backbone), backbone, setting, tmp_path / name, report=lambda *all_: seen.append(all_[2]))  # noqa: B023
        assert not backbone.model.training
    assert losses["on"] == losses["again"]
    assert losses["on"][0] != losses["off"][0]
    whole = a_prefix(backbone)
    run(whole, backbone, config, tmp_path / "whole")
    with pytest.raises(Stopped):
        run(a_prefix(backbone), backbone, config, tmp_path / "stopped", report=stop_at(5))
    resumed = a_prefix(backbone)
    run(resumed, backbone, config, tmp_path / "stopped")
    assert_equal_to_the_bit(resumed, whole)


@pytest.fixture
def like_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU is treated as a device that the host does not wait for: losses read late, one kernel for the step."""
    monkeypatch.setattr("prefixrun.training.trainer.is_queued", lambda device: True)
    monkeypatch.setattr("prefixrun.training.trainer.READ_EVERY", 4)


@pytest.mark.usefixtures("like_a_gpu")
def test_a_loss_that_is_read_with_an_evaluation_ends_a_diverged_training_there(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backward = Trainer._backward

    def louder(self: Trainer, *rest: Any) -> tuple[list[Tensor], list[float]]:
        losses, weights = backward(self, *rest)
        return [loss * (9 if self.progress.step else 1) for loss in losses], weights

    monkeypatch.setattr(Trainer, "_backward", louder)
    config = replace(PLAIN, epochs=3, eval_every=3, diverged_steps=2, lr=1e-3)
    with pytest.raises(DivergedError, match=r"step 3: the training loss is .* over the last 2 steps"):
        run(a_prefix(backbone), backbone, config, tmp_path, dev=PAIRS[:2])


def test_losses_that_are_read_later_are_the_same(
    backbone: Backbone, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = replace(RESUMED, epochs=4, eval_every=3)
    waiting = run(a_prefix(backbone), backbone, config, tmp_path / "waiting", dev=PAIRS[:2])
    request.getfixturevalue("like_a_gpu")
    reported: list[float] = []
    progress = run(
        whole := a_prefix(backbone),
        backbone,
        config,
        tmp_path / "later",
        dev=PAIRS[:2],
        report=lambda _, steps, loss: reported.append(loss),
    )
    assert len(progress.history) == len(waiting.history) == 3
    for later, before in zip(progress.history, waiting.history, strict=True):
        assert later == pytest.approx(before, rel=1e-4)
    assert not any(map(math.isnan, reported)), "the first one is read at once"
    assert reported[0] == reported[1] != reported[2], "then they are, before the first evaluation"
    resumed = replace(config, checkpoint_every=2)
    with pytest.raises(Stopped):
        run(a_prefix(backbone), backbone, resumed, tmp_path / "stopped", dev=PAIRS[:2], report=stop_at(5))
    again = a_prefix(backbone, seed=1)
    assert without_time(run(again, backbone, resumed, tmp_path / "stopped", dev=PAIRS[:2])) == without_time(progress)
    assert_equal_to_the_bit(again, whole)


@pytest.mark.usefixtures("like_a_gpu")
def test_a_loss_that_is_no_number_is_found_later(backbone: Backbone, tmp_path: Path) -> None:
    prefix = a_prefix(backbone)
    assert isinstance(prefix, FlatPrefix)

    def break_it(progress: Progress, steps: int, loss: float) -> None:
        if progress.step == 1:
            with torch.no_grad():
                prefix.prefix["decoder"][0, 0, 0, 0, 0] = math.nan

    with pytest.raises(PrefixrunError, match="step 2: the loss is not a number"):
        run(prefix, backbone, replace(PLAIN, checkpoint_every=3), tmp_path, report=break_it)
    assert not list(tmp_path.iterdir()), "no checkpoint of a broken state"

"""The measurements: which programs, in which order, and the numbers of every round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.child import Child, child, in_child
from benchmarks.ours import Ours, prepare
from benchmarks.peer import Peer
from benchmarks.plan import Plan
from benchmarks.sides import DecodeRound, Setup, TrainRound, evenly_spaced

PEER_BATCHES = (1, 4, 8, 16)
OUR_BATCHES = (8, 16, 32)
PACKED = 8
"""Most targets behind one copy of their source, in the row that has several."""

Log = Callable[[str], None]
Build = Callable[[], AbstractContextManager[Child]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table. The first of a sequence is the peer."""

    name: str
    values: tuple[float, ...]
    """One a round, in the unit of the measurement; higher is better."""
    peak_memory: int
    """Bytes, of the process that ran this row and nothing else."""
    batch_size: int
    note: str
    """What else was measured: the loss, or how outputs ended."""


@dataclass(frozen=True, slots=True)
class Training:
    """Pair tokens a second."""

    rows: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Decoding:
    """Inputs a second."""

    rows: tuple[Measured, ...]
    probes: dict[str, dict[int, float]]
    """Inputs a second by side and batch size, in one short run each."""
    equal_outputs: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured."""

    setup: Setup
    training: Training | None
    decoding: Decoding | None


def measure(plan: Plan, scratch: str, log: Log) -> Results:
    """Run the plan. scratch: an empty directory that outlasts the call; log: prints a line of progress."""
    log(f"preparing: {plan.prepare_steps} steps for a prefix that both sides start from")
    setup = in_child(prepare, plan, scratch)
    return Results(
        setup=setup,
        training=_training(setup, log) if plan.trains else None,
        decoding=_decoding(setup, log) if plan.decodes else None,
    )


def _training(setup: Setup, log: Log) -> Training:
    builds: dict[str, Build] = {
        "peer": partial(child, Peer, setup),
        "prefixrun, 1 target a row": partial(child, Ours, setup, 1),
        f"prefixrun, {PACKED} targets a row": partial(child, Ours, setup, PACKED),
    }
    work = setup.pair_tokens
    with ExitStack() as stack:
        sides = {name: stack.enter_context(build()) for name, build in builds.items()}
        for side in sides.values():
            side.call("train", min(setup.plan.train_batch, len(setup.pairs)))  # one step to warm up
        rounds: dict[str, list[TrainRound]] = {name: [] for name in sides}
        for number in range(setup.plan.rounds):
            for name, side in sides.items():
                result = side.call("train", len(setup.pairs))
                rounds[name].append(result)
                speed = work / result.seconds
                log(f"training, round {number + 1}: {name} {speed:.1f} tokens/s, {result.seconds:.1f} s")
        return Training(
            tuple(
                Measured(
                    name=name,
                    values=tuple(work / result.seconds for result in rounds[name]),
                    peak_memory=side.peak_memory(),
                    batch_size=setup.plan.train_batch,
                    note=f"{rounds[name][-1].steps} steps, loss {rounds[name][-1].loss:.3f}",
                )
                for name, side in sides.items()
            )
        )


def _decoding(setup: Setup, log: Log) -> Decoding:
    builds = {"peer": (Peer, PEER_BATCHES), "prefixrun": (Ours, OUR_BATCHES)}
    # The probes run in other processes, so that the batch sizes that are not chosen do not count in the peak memory.
    probes = {name: _probe(name, build, sizes, setup, log) for name, (build, sizes) in builds.items()}
    best = {name: max(speeds, key=lambda size: speeds[size]) for name, speeds in probes.items()}
    with ExitStack() as stack:
        sides: dict[str, Child] = {
            name: stack.enter_context(child(build, setup)) for name, (build, _) in builds.items()
        }
        for side in sides.values():
            side.call("decode", setup.prompts[:1], 1)  # to warm up
        rounds: dict[str, list[DecodeRound]] = {name: [] for name in sides}
        for number in range(setup.plan.rounds):
            for name, side in sides.items():
                result = side.call("decode", setup.prompts, best[name])
                rounds[name].append(result)
                speed = len(setup.prompts) / result.seconds
                log(f"decoding, round {number + 1}: {name} {speed:.2f} inputs/s, {result.seconds:.1f} s")
        rows = tuple(
            Measured(
                name=name,
                values=tuple(len(setup.prompts) / result.seconds for result in rounds[name]),
                peak_memory=side.peak_memory(),
                batch_size=best[name],
                note=_lengths(rounds[name][-1].outputs, setup.plan.max_new_tokens),
            )
            for name, side in sides.items()
        )
    pairs = zip(rounds["peer"][-1].outputs, rounds["prefixrun"][-1].outputs, strict=True)
    return Decoding(rows, probes, sum(theirs == ours for theirs, ours in pairs), len(setup.prompts))


def _probe(
    name: str, build: Callable[[Setup], object], sizes: Sequence[int], setup: Setup, log: Log
) -> dict[int, float]:
    """Inputs a second for each batch size that the inputs fill; the same inputs for all of them."""
    speeds: dict[int, float] = {}
    prompts = evenly_spaced(setup.prompts, max(sizes))
    with child(build, setup) as side:
        side.call("decode", setup.prompts[:1], 1)  # to warm up
        for size in sizes:
            if size > len(prompts) and speeds:
                break
            speeds[size] = len(prompts) / side.call("decode", prompts, size).seconds
            log(f"trying batch sizes: {name} at {size} {speeds[size]:.2f} inputs/s")
    return speeds


def _lengths(outputs: Sequence[Sequence[int]], cap: int) -> str:
    mean = sum(map(len, outputs)) / len(outputs)
    ended = sum(len(output) < cap for output in outputs)
    return f"{mean:.1f} tokens an output, {ended} of {len(outputs)} ended by themselves"

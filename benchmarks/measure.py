"""The measurements: which programs, in which order, and the numbers of every round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.child import Child, child, in_child
from benchmarks.curve import Point, points, setup_at
from benchmarks.limit import Limit
from benchmarks.ours import Ours, prepare
from benchmarks.peer import Peer
from benchmarks.plan import Plan
from benchmarks.sides import DecodeRound, Setup, TrainRound, evenly_spaced
from prefixrun.errors import MissingPartError

PACKED = 8
"""Most targets behind one copy of their source, in the row that has several."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of a table."""

    name: str
    peer: str
    """The row whose values the ratio is of: the program that does the same work."""
    values: tuple[float, ...]
    """One a round, in the unit of the measurement; higher is better."""
    limits: tuple[float, ...]
    """The same at the measured rates of the products that the work cannot do without; one a round."""
    peak_memory: int
    """Bytes, of the process that ran this row and nothing else."""
    batch_size: int
    note: str
    """What else was measured: the loss, or how outputs ended."""

    @property
    def share(self) -> float:
        """Median over the rounds of the value over the limit."""
        return median(value / limit for value, limit in zip(self.values, self.limits, strict=True))


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
class CurvePoint:
    """Training at one point of the curve: the peer, then prefixrun."""

    point: Point
    rows: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured."""

    setup: Setup
    training: Training | None = None
    decoding: Decoding | None = None
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A side in a table of training."""

    name: str
    peer: str
    build: Callable[..., object]
    arguments: tuple[Any, ...] = ()
    targets_per_row: int = 1


PEER, PEER_LORA, LORA, OURS = "peer", "peer, LoRA", "prefixrun, LoRA", "prefixrun"
TRAINED = (
    Program(PEER, PEER, Peer),
    Program("prefixrun, 1 target a row", PEER, Ours, (1,)),
    Program(f"prefixrun, {PACKED} targets a row", PEER, Ours, (PACKED,), PACKED),
    Program(PEER_LORA, PEER_LORA, Peer, ("lora",)),
    Program(LORA, PEER_LORA, Ours, (1, "lora")),
)
STATIC = "peer, static cache"
DECODED: dict[str, tuple[Callable[..., object], tuple[Any, ...]]] = {
    PEER: (Peer, ()),
    STATIC: (Peer, ("prefix", True)),
    OURS: (Ours, ()),
}
LEFT_OUT = {"all": (), "plain": (PEER_LORA, LORA, STATIC), "none": (PEER, PEER_LORA, STATIC)}
"""By `peers` of a plan, the rows that are not measured."""


def measure(plan: Plan, scratch: str, log: Log) -> Results:
    """Run the plan. scratch: an empty directory that outlasts the call; log: prints a line of progress.

    Raises MissingPartError when the peer does not read its prefix.
    """
    source = f"of {plan.prefix}" if plan.prefix else f"after {plan.prepare_steps} steps"
    log(f"preparing: the prefix {source}, from which all sides start")
    setup = in_child(prepare, plan, scratch)
    left_out = _left_out(setup)
    if PEER not in left_out:
        _check_peer(setup)
    trained = [each for each in TRAINED if each.name not in left_out]
    return Results(
        setup=setup,
        training=Training(_trained(setup, trained, "training", log)) if plan.trains else None,
        decoding=_decoding(setup, log) if plan.decodes else None,
        curve=_curve(setup, log) if plan.part == "curve" else (),
    )


def _left_out(setup: Setup) -> tuple[str, ...]:
    """The rows that are not measured: PEFT's prefix of an encoder-decoder would do other work."""
    return (*LEFT_OUT[setup.plan.peers], *(() if setup.is_decoder_only else (PEER, STATIC)))


def _check_peer(setup: Setup) -> None:
    """Raises MissingPartError when the peer does not read its prefix."""
    with child(Peer, setup) as peer:
        if not peer.call("reads_prefix"):
            raise MissingPartError(
                "the peer: what PEFT computes does not depend on its prefix with these versions, so nothing can be "
                "compared; pip install 'transformers<5.24' for the benchmark"
            )


def _trained(setup: Setup, programs: Sequence[Program], label: str, log: Log) -> tuple[Measured, ...]:
    """The rows of some programs that take turns, and in each round the limit."""
    work = setup.pair_tokens
    with ExitStack() as stack:
        limit = stack.enter_context(child(Limit, setup))
        sides = {each.name: stack.enter_context(child(each.build, setup, *each.arguments)) for each in programs}
        for side in sides.values():
            side.call("train", min(setup.plan.train_batch, len(setup.pairs)))  # one step to warm up
        rounds: dict[str, list[TrainRound]] = {name: [] for name in sides}
        limits: dict[int, list[float]] = {each.targets_per_row: [] for each in programs}
        for number in range(setup.plan.rounds):
            for name, side in sides.items():
                result = side.call("train", len(setup.pairs))
                rounds[name].append(result)
                speed = work / result.seconds
                log(f"{label}, round {number + 1}: {name} {speed:.1f} tokens/s, {result.seconds:.1f} s")
            for targets_per_row, seconds in limits.items():
                seconds.append(limit.call("train", targets_per_row))
        return tuple(
            Measured(
                name=each.name,
                peer=each.peer,
                values=tuple(work / result.seconds for result in rounds[each.name]),
                limits=tuple(work / seconds for seconds in limits[each.targets_per_row]),
                peak_memory=sides[each.name].peak_memory(),
                batch_size=setup.plan.train_batch,
                note=f"{rounds[each.name][-1].steps} steps, loss {rounds[each.name][-1].loss:.3f}",
            )
            for each in programs
        )


def _curve(setup: Setup, log: Log) -> tuple[CurvePoint, ...]:
    """Training at points that differ from a usual one in one size each."""
    curve = []
    for point in points(setup.plan):
        programs = (TRAINED[0], Program("prefixrun", PEER, Ours, (point.targets,), point.targets))
        curve.append(CurvePoint(point, _trained(setup_at(setup, point), programs, point.label, log)))
    return tuple(curve)


def _decoding(setup: Setup, log: Log) -> Decoding:
    # The probes run in other processes, so that the batch sizes that are not chosen do not count in the peak memory.
    programs = {name: program for name, program in DECODED.items() if name not in _left_out(setup)}
    ours, theirs = setup.plan.sizes_tried
    tried = {name: ours if name == OURS else theirs for name in programs}
    probes = {
        name: _probe(name, build, arguments, tried[name], setup, log)
        for name, (build, arguments) in programs.items()
        if len(tried[name]) > 1
    }
    best = {name: sizes[0] for name, sizes in tried.items()}
    best |= {name: max(speeds, key=lambda size: speeds[size]) for name, speeds in probes.items()}
    with ExitStack() as stack:
        limit = stack.enter_context(child(Limit, setup))
        sides: dict[str, Child] = {
            name: stack.enter_context(child(build, setup, *arguments)) for name, (build, arguments) in programs.items()
        }
        for side in sides.values():
            side.call("decode", setup.prompts[:1], 1)  # to warm up
        rounds: dict[str, list[DecodeRound]] = {name: [] for name in sides}
        limits: list[float] = []
        for number in range(setup.plan.rounds):
            for name, side in sides.items():
                result = side.call("decode", setup.prompts, best[name])
                rounds[name].append(result)
                speed = len(setup.prompts) / result.seconds
                log(f"decoding, round {number + 1}: {name} {speed:.2f} inputs/s, {result.seconds:.1f} s")
            lengths = [len(output) for output in rounds[OURS][-1].outputs]
            limits.append(limit.call("decode", best[OURS], lengths))
        rows = tuple(
            Measured(
                name=name,
                peer=PEER,
                values=tuple(len(setup.prompts) / result.seconds for result in rounds[name]),
                limits=tuple(len(setup.prompts) / seconds for seconds in limits),
                peak_memory=side.peak_memory(),
                batch_size=best[name],
                note=_lengths(rounds[name][-1].outputs, setup.plan.max_new_tokens),
            )
            for name, side in sides.items()
        )
    if PEER not in rounds:
        return Decoding(rows, probes, 0, 0)
    both = zip(rounds[PEER][-1].outputs, rounds[OURS][-1].outputs, strict=True)
    return Decoding(rows, probes, sum(first == second for first, second in both), len(setup.prompts))


def _probe(
    name: str, build: Callable[..., object], arguments: Sequence[Any], sizes: Sequence[int], setup: Setup, log: Log
) -> dict[int, float]:
    """Inputs a second for each batch size that the inputs fill; the same inputs for all of them."""
    speeds: dict[int, float] = {}
    prompts = evenly_spaced(setup.prompts, max(sizes))
    with child(build, setup, *arguments) as side:
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

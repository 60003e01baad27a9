"""How long runs will take, from what finished runs like them took. An estimate, not a promise: machines differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from prefixrun.config.schema import Config
from prefixrun.results.records import Record, load_records
from prefixrun.sweeps.plan import Job


@dataclass(frozen=True, slots=True)
class Work:
    """What a run has to do."""

    pairs: int
    """Training pairs that pass through the model, each as often as it does."""
    beams: int
    """Inputs times beams."""


def work(config: Config, available: int, inputs: int) -> Work:
    """The work of a run on a corpus of `available` training pairs that scores at most `inputs` inputs."""
    train = config.train
    chosen = config.train_size or max(1, round(available * config.data_fraction))
    steps = train.epochs * math.ceil(math.ceil(chosen / train.batch_size) / train.accumulate)
    steps = min(steps, train.max_steps or steps)
    scored = min(inputs, config.test_size or inputs)
    return Work(steps * train.batch_size * train.accumulate, scored * config.decode.beams)


class SimilarRuns:
    """Finished runs with their costs."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._speeds = [speed for record in records if (speed := _speed(record))]

    def seconds(self, config: Config, todo: Work) -> float | None:
        """Training and decoding at the median speed of the runs most like this one; None when there is none.

        Like it are those of its task, model and method; else of its model and method, whose inputs have other lengths.
        """
        same = [
            speed for speed in self._speeds if (speed.model, speed.method) == (config.model.name, config.method.name)
        ]
        near = [speed for speed in same if speed.task == config.task.name] or same
        if not near:
            return None
        return median(speed.pair * todo.pairs + speed.beam * todo.beams for speed in near)


def of_jobs(found: Sequence[Job], *trees: Path) -> list[float | None]:
    """Seconds that each job will take; None where it will take none, or where nothing is known.

    Finished runs are looked for where the job's own go, and in further results trees.
    """
    neighbours: dict[str, SimilarRuns] = {}
    seconds: list[float | None] = []
    for job in found:
        if not job.is_open:
            seconds.append(None)
            continue
        tree = job.config.results_dir
        if tree not in neighbours:
            directories = dict.fromkeys((Path(tree).expanduser(), *trees))
            neighbours[tree] = SimilarRuns(record for each in directories for record in load_records(each).runs)
        seconds.append(neighbours[tree].seconds(job.config, work(job.config, job.available, job.inputs)))
    return seconds


@dataclass(frozen=True, slots=True)
class _Speed:
    task: str
    model: str
    method: str
    pair: float
    """Seconds for one training pair."""
    beam: float
    """Seconds for one beam of one input."""


def _speed(record: Record) -> _Speed | None:
    costs, settings = record.result["costs"], record.settings
    training, decoding, steps = costs["train_seconds"], costs["decode_seconds"], costs.get("train_steps")
    if training is None or decoding is None or steps is None:
        return None
    pairs = steps * settings["train.batch_size"] * settings["train.accumulate"]
    beams = record.result["n_inputs"] * settings["decode.beams"]
    return _Speed(record.task, record.model, record.method, training / max(1, pairs), decoding / max(1, beams))


def total(seconds: Sequence[float | None]) -> tuple[float, int]:
    """The sum of the known ones, and how many are unknown."""
    return sum(each for each in seconds if each is not None), sum(each is None for each in seconds)

"""How long runs will take, from what finished runs like them took. An estimate, not a promise: machines differ."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from prefixrun.config.schema import Config
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from prefixrun.sweeps.plan import Job
from prefixrun.sweeps.workers import available_cores, available_gpus

START = 20.0
"""Seconds of a run before its first step and after its last output, but for METEOR: imports, loading, scoring."""

METEOR = 30.0
"""Seconds that METEOR's Java takes. A small run of E2E on two CPU cores took 53 s with 3 s of training and decoding."""


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
    pairs = config.train_size or max(1, round(available * config.data_fraction))
    # An epoch's last batch, and the last accumulation of batches, may be smaller than the others.
    steps = train.epochs * math.ceil(math.ceil(pairs / train.batch_size) / train.accumulate)
    steps = min(steps, train.max_steps or steps)
    scored = min(inputs, config.test_size or inputs)
    return Work(steps * train.batch_size * train.accumulate, scored * config.decode.beams)


class SimilarRuns:
    """The speeds of finished runs."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._speeds = [speed for record in records if (speed := _speed(record))]

    def seconds(self, config: Config, todo: Work) -> float | None:
        """Seconds from the start to the scores, at the median speed of similar runs; None when there is none.

        Similar are runs of the same task, model and method; else of the same model and method, whose inputs have other
        lengths. Runs on a GPU say nothing of a processor, nor the other way round; of a processor's threads each is
        taken to do the same.
        """
        on_gpu = bool(available_gpus()) if config.device == "auto" else config.device != "cpu"
        wanted = (config.model.name, config.method.name, on_gpu)
        same_method = [speed for speed in self._speeds if (speed.model, speed.method, speed.on_gpu) == wanted]
        similar = [speed for speed in same_method if speed.task == config.task.name] or same_method
        if not similar:
            return None
        threads = 1 if on_gpu else config.threads or len(available_cores()) or os.cpu_count() or 1
        working = median(speed.pair * todo.pairs + speed.beam * todo.beams for speed in similar)
        return START + METEOR * _has_meteor(config) + working / threads


def _has_meteor(config: Config) -> bool:
    """Whether METEOR is among the scores of a run's task."""
    from prefixrun.metrics import suite  # imports every scorer

    return any("METEOR" in metric.names for metric in suite(config.task.scored_as).metrics)


def estimate_run(config: Config, available: int, inputs: int) -> float | None:
    """Seconds that a run will take on a corpus of `available` training pairs and `inputs` inputs; None where no
    finished run of its results tree is like it."""
    records = load_records(Path(config.results_dir).expanduser()).runs
    return SimilarRuns(records).seconds(config, work(config, available, inputs))


def estimate_jobs(jobs: Sequence[Job], *trees: Path) -> list[float | None]:
    """Seconds that each job will take; None for a job that is done or impossible, and where no run is similar.

    Finished runs are looked for in the job's results directory and in further results trees.
    """
    by_tree: dict[str, SimilarRuns] = {}
    seconds: list[float | None] = []
    for job in jobs:
        if not job.is_open:
            seconds.append(None)
            continue
        tree = job.config.results_dir
        if tree not in by_tree:
            directories = dict.fromkeys((Path(tree).expanduser(), *trees))
            by_tree[tree] = SimilarRuns(record for path in directories for record in load_records(path).runs)
        seconds.append(by_tree[tree].seconds(job.config, work(job.config, job.available, job.inputs)))
    return seconds


@dataclass(frozen=True, slots=True)
class _Speed:
    task: str
    model: str
    method: str
    on_gpu: bool
    pair: float
    """Seconds for one training pair, times the threads of a processor."""
    beam: float
    """The same for one beam of one input."""


def _speed(record: Record) -> _Speed | None:
    costs, settings, made = record.result["costs"], record.settings, record.result["provenance"]
    training, decoding, steps = costs["train_seconds"], costs["decode_seconds"], costs.get("train_steps")
    sizes = ("train.batch_size", "train.accumulate", "decode.beams")
    if training is None or decoding is None or steps is None or any(settings.get(name) is None for name in sizes):
        return None
    pairs = steps * settings["train.batch_size"] * settings["train.accumulate"]
    beams = record.result["n_inputs"] * settings["decode.beams"]
    on_gpu = made.get("accelerator") is not None
    threads = 1 if on_gpu else made.get("threads") or made.get("cpu_count") or 1
    speeds = threads * training / max(1, pairs), threads * decoding / max(1, beams)
    return _Speed(record.task, record.model, record.method, on_gpu, *speeds)


def total(seconds: Sequence[float | None]) -> tuple[float, int]:
    """The sum of the known ones, and how many are unknown."""
    known = [time for time in seconds if time is not None]
    return sum(known), len(seconds) - len(known)

"""One run over several processes or GPUs, which `torchrun ... -m prefixrun` starts with the same command.

The first of them does everything that one process alone does: only it holds the run, writes, logs, decodes and scores.
The others wait until it trains, compute their share of every step (distributed.py) and end.
"""

from __future__ import annotations

from contextlib import suppress

from prefixrun.config.schema import Config
from prefixrun.console import Stage
from prefixrun.errors import PrefixrunError
from prefixrun.runs import pipeline, stages
from prefixrun.runs.learning import Learning
from prefixrun.training import distributed
from prefixrun.training.interrupts import deferred
from prefixrun.training.process_group import World, joined


def run(config: Config) -> int:
    """As experiment.run, as one of several processes. Returns the exit code; errors are raised."""
    with joined(stages.device(config)) as world:
        if not world.writes:
            return _help(config, world)
        try:
            return pipeline.run(config)
        finally:
            with suppress(PrefixrunError):  # they have their answer already, or have ended
                world.tell(False)


def _help(config: Config, world: World) -> int:
    """Wait for the training of the first process and take part in it."""
    if world.asked():
        this = pipeline.find(config)
        corpora, backbone = pipeline.ready(config, quiet=True)
        learning = Learning(this, config, corpora, backbone, world)
        with deferred(every=True) as interruption:
            distributed.learn(learning, backbone, world, Stage("training", None), interruption)
    return 0

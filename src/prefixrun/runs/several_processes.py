"""One run over several processes or GPUs, which `torchrun ... -m prefixrun` starts with the same command.

The first process does everything that one process alone does: only it holds the run, writes, logs, decodes and scores.
The others wait until it trains, compute their share of every step, and end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefixrun.config.schema import Config
from prefixrun.errors import PrefixrunError
from prefixrun.runs import stages
from prefixrun.runs.devices import device
from prefixrun.runs.identity import find_run
from prefixrun.runs.log import Stage
from prefixrun.runs.prepare import prepare
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.data_parallel import ProcessGroup, joined_group
from prefixrun.training.interrupts import deferred


@contextmanager
def shared(config: Config) -> Iterator[bool]:
    """Join the processes of this run. Yields True in the first one, which does the run within the block; the others
    have done their part when it yields False. Errors as the run's."""
    with joined_group(device(config)) as group:
        if not group.writes:
            _help(config, group)
            yield False
            return
        try:
            yield True
        finally:
            with suppress(PrefixrunError):  # they have their answer already, or have ended
                group.broadcast_request(False)


def _help(config: Config, group: ProcessGroup) -> None:
    """Wait for the training of the first process and take part in it."""
    if group.requested():
        run = find_run(config)
        checkpoints = Checkpoints(run.checkpoints, run.id)
        with deferred(every=True) as interruption:
            stages.train(prepare(config), checkpoints, Stage("training", None), interruption, group)

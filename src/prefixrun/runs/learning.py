"""The training stage of a run: from its data and its start to the file of what was trained and what that cost."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from safetensors.torch import save as save_tensors

from prefixrun import files, methods
from prefixrun.config.schema import Config
from prefixrun.console import LOG, Stage
from prefixrun.data.run_data import Corpora
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import tokenise
from prefixrun.runs.provenance import peak_memory_bytes
from prefixrun.runs.run import Run
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import Pending
from prefixrun.training.process_group import ALONE, World
from prefixrun.training.trainer import Progress, Steps, Training


class Learning:
    """One run that is being trained, by this process alone or with others, of which the first holds the run.

    Where it begins is said in the log.
    """

    def __init__(self, this: Run, config: Config, corpora: Corpora, backbone: Backbone, world: World = ALONE) -> None:
        self._run, self._backbone, self._world = this, backbone, world
        self._method = methods.build(config, backbone).to(backbone.head.device)
        self._fit_error = self._method.initialize(backbone, config)
        self._checkpoints = Checkpoints(this.checkpoints)
        checkpoint, problems = self._checkpoints.latest()
        for problem in problems:
            LOG.info("checkpoint left out: %s", problem)
        if checkpoint is not None:
            LOG.info("going on after step %d", checkpoint.step)
        pairs = tokenise(corpora.pairs, backbone.tokenizer)
        LOG.info("training %s parameters on %s pairs", f"{self._method.trained_count:,}", f"{len(pairs):,}")
        self.training = Training(
            self._method,
            backbone,
            pairs,
            tokenise(corpora.dev_pairs, backbone.tokenizer),
            config.train,
            seed=config.seed,
            checkpoints=self._checkpoints,
            world=world,
        )

    def steps(self, shown: Stage, interruption: Pending) -> Steps:
        """The steps that are left, see Training.steps; then, unless it was interrupted, what was trained is kept."""
        yield from self.training.steps(partial(_report, shown), interruption)
        if not interruption and self._world.writes:
            self._keep()

    def _keep(self) -> None:
        """Write costs.json and what was trained; the checkpoints are of no use then."""
        stored = {name: tensor.float().cpu().contiguous() for name, tensor in self.training.kept().items()}
        record = {
            "parameters": {
                "trained": self._method.trained_count,
                "stored": sum(tensor.numel() for tensor in stored.values()),
                "total": self._backbone.total,
            },
            "training": {**asdict(self.training.progress), "fit_error": self._fit_error},
            "decode_seconds": 0.0,
            "peak_memory_bytes": peak_memory_bytes(),  # scores may come from a process that did not train
        }
        files.write_json(self._run.costs, record)
        files.write_bytes(self._run.trained_file, save_tensors(stored))
        self._checkpoints.remove()


def _report(shown: Stage, progress: Progress, steps: int, loss: float) -> None:
    speed = progress.pair_tokens / max(progress.seconds, 1e-9)
    shown.update(progress.step, steps, f"loss {loss:.3f}  {speed:.0f} tokens/s")
    if progress.history and progress.history[-1]["step"] == progress.step:
        last = progress.history[-1]
        dev = f", dev loss {last['dev_loss']:.4f}" if "dev_loss" in last else ""
        LOG.info("step %d: train loss %.4f%s", progress.step, last["train_loss"], dev)

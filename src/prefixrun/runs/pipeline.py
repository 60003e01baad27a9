"""One run from configuration to result: prepare, train, decode, score, write.

Every stage returns values; only this module writes them, and each file lets an interrupted run go on from it:
checkpoints while it trains, the trained file and costs.json before it decodes, generations.jsonl while it decodes. Each
is listed with its digest in manifest.json; what has changed or is not listed reaches no result: it is made again, or
where that is the work of a training, the run ends with the file's name.
"""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from prefixrun import files, methods
from prefixrun.errors import DamagedStateError, reading
from prefixrun.methods import Method
from prefixrun.models.backbone import Backbone
from prefixrun.runs import stages
from prefixrun.runs.failures import best_state_of_divergence, failures_recorded
from prefixrun.runs.forgetting import forgetting
from prefixrun.runs.generations import generation_line, outputs_of
from prefixrun.runs.log import LOG, logging_to, stage
from prefixrun.runs.prepare import PreparedRun, describe_truncation
from prefixrun.runs.provenance import peak_memory_bytes, restart_peak_memory
from prefixrun.runs.result import result_of
from prefixrun.runs.run import MOVE_AWAY, Run
from prefixrun.runs.shared_training import take_over
from prefixrun.runs.stages import Watch
from prefixrun.tracking.session import tracked
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.data_parallel import current_group
from prefixrun.training.interrupts import deferred


def complete(run: Run, prepared: PreparedRun, *, quiet: bool = False) -> bool:
    """Take a run from wherever it is to its result; False when another process has just finished it.

    quiet: log to the run's file alone. Raises RunHeldError, and the errors of the stages, see failures_recorded.
    """
    with run.hold():
        if run.state() == "finished":
            return False
        with logging_to(run.log, screen=not quiet), failures_recorded(run):
            run_stages(run, prepared)
    return True


def complete_training(run: Run, prepared: PreparedRun, watch: Watch) -> None:
    """Take a run through its training and leave it there, logging to its file alone; the run's own command goes on from
    it to the scores.

    watch: see stages.train; an Interrupted that it raises leaves the run interrupted. Errors as `complete`.
    """
    with run.hold(), logging_to(run.log, screen=False), failures_recorded(run):
        if run.state() != "finished":
            _begin(run, prepared)
            train(run, prepared, watch)


def run_stages(run: Run, prepared: PreparedRun) -> None:
    """Train, decode, score and write the result of a run that this process holds, and send it to its trackers."""
    config, backbone = prepared.config, prepared.backbone
    with tracked(config, run.id, run.directory) as tracking:
        _begin(run, prepared)
        method = train(run, prepared, tracking.watch)
        outputs, decode_seconds = decode(run, prepared, method)
        scores, stats = stages.score(prepared, outputs)
        run.manifest.write({run.stats.name: _parquet(stats)}, "scoring")
        costs = {**files.read_json(run.costs), "decode_seconds": decode_seconds}
        costs["forgetting"] = forgetting(config, backbone, method)
        run.finish(result_of(run, prepared, scores, costs))
        tracking.finish(run.result(), files.read_json_lines(run.generations).records)
    if not config.keep_trained:
        files.remove(run.trained_file)


def _begin(run: Run, prepared: PreparedRun) -> None:
    restart_peak_memory()
    choices = files.json_bytes(prepared.data.choices())
    run.manifest.write_or_check(run.subset.name, choices, "data", MOVE_AWAY)
    if prepared.config.task.max_source_tokens is not None:
        LOG.info(describe_truncation(prepared))


def train(run: Run, prepared: PreparedRun, watch: Watch | None = None) -> Method:
    """The trained method of a run, ready for use; its file and costs.json are written unless they are there, and are
    those of another run where that has the same training."""
    checkpoints = Checkpoints(run.checkpoints, run.id)
    if not is_trained(run) and not take_over(run):
        group = current_group()
        group.broadcast_request(True)
        with (
            stage("training") as shown,
            deferred(every=group.size > 1) as interruption,
            best_state_of_divergence(run, checkpoints),
        ):
            outcome = stages.train(prepared, checkpoints, shown, interruption, group, watch)
        interruption.end_if_set()
        costs = {
            "parameters": dict(outcome.parameters),
            "training": dict(outcome.training),
            "peak_memory_bytes": peak_memory_bytes(),  # another process may decode and score
        }
        trained = save_tensors(dict(outcome.tensors))
        run.manifest.write({run.costs.name: files.json_bytes(costs), run.trained_file.name: trained}, "training")
    files.remove(run.best_state)  # of an earlier try
    checkpoints.remove()  # also after a kill between the trained file and this
    return methods.restore(prepared.config, prepared.backbone, load_trained(run.trained_file, prepared.backbone))


def is_trained(run: Run) -> bool:
    """Whether the files that training leaves are there and listed; otherwise they and what was made from them go.

    Raises DamagedStateError when one of them has changed: the work of hours is not repeated unasked.
    """
    training_files = (run.trained_file, run.costs)
    if all(run.manifest.read(path.name) is not None for path in training_files):
        return True
    for path in (*training_files, run.generations):
        if path.exists():
            LOG.info("%s: nothing vouches for it, or for what it was made with; it is made again", path)
            files.remove(path)
    return False


def decode(run: Run, prepared: PreparedRun, method: Method) -> tuple[list[str], float]:
    """The outputs of a run in the order of its inputs, and the seconds they took; generations.jsonl grows with every
    batch."""
    inputs = prepared.data.inputs
    written = run.manifest.lines(run.generations.name, "decoding")
    if written.has_changed or (done := outputs_of(written.records, inputs)) is None:
        LOG.info("%s: has changed since it was written; all inputs are decoded again", run.generations)
        written.restart()
        done = {}
    seconds = float(written.notes.get("seconds", 0.0))
    with stage("decoding") as shown, deferred() as interruption:
        for batch in stages.decode(prepared, method, done):
            seconds += batch.seconds
            written.append((generation_line(*output) for output in batch.outputs), {"seconds": seconds})
            done |= {example.id: outputs[0] for example, outputs in batch.outputs}
            shown.update(len(done), len(inputs), f"{batch.inputs / batch.seconds:.2f} inputs/s")
            if interruption:
                break
    interruption.end_if_set()
    return [done[example.id] for example in inputs], seconds


def load_trained(path: Path, backbone: Backbone) -> dict[str, Tensor]:
    """What a run has trained, by name. Raises DamagedStateError when its file is not what was written."""
    with reading(path, "delete it and generations.jsonl to train again", DamagedStateError):
        tensors = load_tensors(path.read_bytes())
    return {name: tensor.to(backbone.head.device) for name, tensor in tensors.items()}


def _parquet(stats: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    stats.to_parquet(buffer, index=False)
    return buffer.getvalue()

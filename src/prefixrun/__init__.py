"""Prefix-tuning (Li & Liang, ACL 2021): run it, score it as the paper did, and compare with the paper's numbers.

From Python, with the same code as the command: `run` a configuration, `load` a finished run, `score` outputs.
docs/PYTHON.md shows them at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prefixrun.runs.version import SEMANTICS, __version__

if TYPE_CHECKING:
    from prefixrun.metrics import Score
    from prefixrun.results.loaded import LoadedRun

__all__ = ["SEMANTICS", "__version__", "load", "run", "score"]


def run(overrides: str | Sequence[str] = (), *, quiet: bool = True) -> LoadedRun:
    """Do a run, resume it, or take it as it is when it is finished; `prefixrun OVERRIDES` of the command line.

    Args:
        overrides: "task=e2e prefix_len=10", quoted as in a shell, or a list of such settings.
        quiet: log to the run's file alone; otherwise also to standard output.

    Raises:
        errors.PrefixrunError: what the command would end with, with the same message.
    """
    import shlex

    from prefixrun.errors import ConfigError, shortened
    from prefixrun.results import loaded
    from prefixrun.runs import configure, pipeline, prepare
    from prefixrun.runs.diverged import known_divergence
    from prefixrun.runs.identity import find_run

    try:
        words = shlex.split(overrides) if isinstance(overrides, str) else list(overrides)
    except ValueError as problem:
        raise ConfigError(
            f"{shortened(str(overrides))}: {problem}; quote it as in a shell, or give a list"
        ) from problem
    config = configure.compose(words)
    this_run = find_run(config)
    if this_run.state() != "finished":
        if error := known_divergence(this_run, config):
            raise error
        pipeline.complete(this_run, prepare.prepare(config), quiet=quiet)
    return loaded.load(this_run.directory, model_path=config.model.path)


def load(name: str | Path, *, results_dir: str | Path = "results", model_path: str | None = None) -> LoadedRun:
    """A finished run by its id or its directory; see results.loaded.load."""
    from prefixrun.results import loaded

    return loaded.load(name, results_dir=results_dir, model_path=model_path)


def score(
    task: str,
    outputs: Sequence[str],
    *,
    data_dir: str | Path | None = None,
    split: str = "test",
    metrics: str | None = None,
    config_dir: str | Path | None = None,
) -> Mapping[str, Score]:
    """The official scores of a system's outputs, one for each input of a task's split, in its order.

    Args:
        data_dir: directory of the real corpora, as DIR/TASK/; the sample corpus without it.
        metrics: the task of the paper whose metrics are used, or names of metrics with commas between them; an own
            task has to say it, here or in its file.
        config_dir: directory with task/TASK.yaml of an own task: its metrics, columns and parts.

    Raises:
        DataError: another number of outputs than inputs; a corpus that is missing or not the release.
        ConfigError: a task without metrics.
    """
    from prefixrun.config.compose import task_of
    from prefixrun.data import SCORED_AS
    from prefixrun.data import load as load_corpus
    from prefixrun.data.text_io import checked_texts
    from prefixrun.errors import DataError
    from prefixrun.metrics import evaluate

    task_config = None if config_dir is None else task_of(task, Path(config_dir).expanduser())
    root = None if data_dir is None else Path(data_dir).expanduser()
    corpus = load_corpus(task_config.name if task_config else task, split, root, config=task_config)
    examples, outputs = corpus.examples, checked_texts("score", outputs)
    if len(outputs) != len(examples):
        raise DataError(
            f"outputs: there are {len(outputs)}; {task} {split} has {len(examples)} inputs, one output each"
        )
    references, sources = [example.references for example in examples], [example.source for example in examples]
    groups = [example.group for example in examples]
    scored_as = metrics or (task_config.scored_as if task_config else SCORED_AS.get(task, task))
    return evaluate(scored_as, outputs, references, groups, sources).scores

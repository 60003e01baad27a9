"""``prefixrun KEY=VALUE ...``: one run, done, resumed, or shown when it is finished."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from prefixrun.analysis import paper_numbers
from prefixrun.cli import run_summary
from prefixrun.cli.arguments import whole_number
from prefixrun.config.schema import Config
from prefixrun.config.task_settings import GENERATED_TASKS
from prefixrun.console import print_text
from prefixrun.data import DIRECTORIES
from prefixrun.data.run_data import TaskSplits
from prefixrun.errors import ConfigError
from prefixrun.files import read_json_lines
from prefixrun.results.record import Record
from prefixrun.runs.diverged import known_divergence
from prefixrun.runs.identity import find_run
from prefixrun.runs.log import logging_to
from prefixrun.runs.run import Run
from prefixrun.sweeps.estimate import estimate_run, work


def run(
    config: Config, overrides: Sequence[str] = (), config_dir: Path | None = None, *, all_rows: bool = False
) -> int:
    """Do a run, resume it, or show it when it is finished. Returns the exit code 0; errors are raised.

    overrides, config_dir: what the user typed, for the command that is printed. all_rows: show all rows of the paper.
    """
    if is_one_of_several():
        from prefixrun.runs import several_processes

        with several_processes.shared(config) as is_first:
            finished = _complete(config) if is_first else None
    else:
        finished = _complete(config)
    if finished is not None:
        show(finished, config, overrides, config_dir, all_rows=all_rows)
    return 0


def is_one_of_several() -> bool:
    """Whether torchrun has started this process beside others.

    Raises ConfigError for variables of a launcher that are no numbers, or of which some are missing: they are usually
    left over in a shell.
    """
    size = whole_number("WORLD_SIZE", os.environ.get("WORLD_SIZE") or "1", 1, 2**16, _LEFTOVER)
    if size == 1:
        return False
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]:
        raise ConfigError(f"WORLD_SIZE={size}: is set without {', '.join(missing)}{_LEFTOVER}")
    whole_number("RANK", os.environ["RANK"], 0, size - 1, _LEFTOVER)
    whole_number("MASTER_PORT", os.environ["MASTER_PORT"], 1, 2**16 - 1, _LEFTOVER)
    return True


_LEFTOVER = "; start several processes with torchrun, or take back what a shell has kept: unset WORLD_SIZE"


def refuse_several() -> None:
    """Raise ConfigError in a process that torchrun has started beside others: they work on one run."""
    if is_one_of_several():
        raise ConfigError(
            "-m: torchrun starts several processes for one run; give it one run, or start a sweep without it"
        )


def _complete(config: Config) -> Run:
    """The run, finished now or before."""
    this_run = find_run(config)
    if this_run.state() == "finished":
        this_run.remove_trained()
        _send_rest(this_run, config)
        _print_opening(config, "not needed")
        print_text(run_summary.finished_line(this_run.result()))
    else:
        if error := known_divergence(this_run, config):
            raise error
        this_run.refuse_if_held()
        from prefixrun.runs import devices, pipeline, prepare  # torch takes seconds; a finished run is shown without it

        device = devices.device(config)
        _print_opening(config, device)
        _print_expected_time(config, device)
        print_text(f"loading {config.model.name} and the examples ...")
        pipeline.complete(this_run, prepare.prepare(config))
    return this_run


def _send_rest(finished: Run, config: Config) -> None:
    """Send to the trackers what they do not have of a finished run."""
    if config.tracker == "none":
        return
    from prefixrun.tracking import refuse_missing
    from prefixrun.tracking.session import lacks, tracked

    refuse_missing(config.tracker)
    if not lacks(config.tracker, finished.directory):
        return
    with finished.hold(), logging_to(finished.log), tracked(config, finished.id, finished.directory) as session:
        session.finish(finished.result(), read_json_lines(finished.generations).records)


def _print_opening(config: Config, device: str) -> None:
    source = "the sample corpus" if config.data_dir is None else f"{config.task.name} in {config.data_dir}"
    source = "generated examples" if config.task.name in GENERATED_TASKS else source
    source = source if config.task.dataset is None else f"{config.task.dataset} of the Hugging Face hub"
    print_text(run_summary.opening_line(profile=config.profile, model=config.model.name, data=source, device=device))
    print_text(run_summary.recipe_line(config.recipe, config.variant, config.train))
    if config.budget is not None:
        from prefixrun.methods.budget import describe

        print_text(describe(config))


def _print_expected_time(config: Config, device: str) -> None:
    """About how long the run will take, as far as finished runs tell; what is too large for a processor is said."""
    splits = TaskSplits.of(config)
    scored = splits.dev if config.eval_split == "dev" else splits.test
    seconds = estimate_run(config, splits.train.pairs, len(scored.examples))
    print_text(run_summary.time_line(seconds, config.results_dir))
    if config.profile == "paper" and device == "cpu":
        todo = work(config, splits.train.pairs, len(scored.examples))
        print_text(run_summary.slow_line(todo.pairs, seconds))


def show(
    finished: Run,
    config: Config,
    overrides: Sequence[str] = (),
    config_dir: Path | None = None,
    *,
    all_rows: bool = False,
) -> None:
    """Print a finished run beside the paper's rows. Raises DamagedStateError when its outputs have changed."""
    result = finished.result()
    paths = {
        "scores, costs, provenance": finished.result_json,
        "every input with its output and references": finished.generations,
        "what was trained": finished.trained_file,
        "counts behind the scores, one row an input": finished.stats,
    }
    run_summary.closing(
        result,
        (
            *paper_numbers.published(config.variant, config.task.name, split=result["split"]),
            *paper_numbers.rows(config.task.name, split=result["split"]),
        ),
        Record(finished.directory, result).generations(),
        paths,
        next_command(config, overrides, config_dir),
        all_rows=all_rows,
    )


SCALE_KEYS = ("profile", "data_dir", "train", "train_size", "test_size", "data_fraction", "init.fit_steps")
"""Keys and sections that fit a run to the sample corpus."""


def next_command(config: Config, overrides: Sequence[str], config_dir: Path | None = None) -> str:
    """The command that is sensible after a run: the user's own with a real model, on the real corpus, with several
    seeds, whichever of them is still missing."""
    is_random = config.model.source == "random"
    is_sample = config.data_dir is None and config.task.dataset is None and config.task.name not in GENERATED_TASKS
    words = ["prefixrun", *([] if config_dir is None else ["--config-dir", str(config_dir)])]
    if is_random:
        words += [word for word in overrides if not _is_of(word, ("model", "recipe", "recipe/row"))]
        return f"{shlex.join(words)}    (a real model of 135 million parameters, from a Python package)"
    if is_sample:
        words += [word for word in overrides if not _is_of(word, SCALE_KEYS)]
        corpus = DIRECTORIES.get(config.task.name, config.task.name)
        return f"{shlex.join(words)} profile=laptop data_dir=DIR    (the real corpus, in DIR/{corpus}/)"
    words += [word for word in overrides if not _is_of(word, ("seed",))]
    return f"{shlex.join(words)} seed=1,2,3 -m"


def _is_of(override: str, keys: Collection[str]) -> bool:
    """Whether an override sets one of some keys, or a key of one of some sections."""
    key = override.partition("=")[0].lstrip("+")
    return key in keys or key.partition(".")[0] in keys

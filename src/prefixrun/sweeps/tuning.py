"""`prefixrun tune`: trials that train a run and measure its development loss, and the recipe that comes of the best.

A trial is an ordinary run that is left after its training: the command of the same settings goes on from there to its
scores, and a run that was trained before is a trial that takes no time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from prefixrun import files
from prefixrun.config.conf_tree import groups
from prefixrun.config.grids import format_override
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import flatten, outside_identity
from prefixrun.data.run_data import NO_DEV_PAIRS, RunData, TaskSplits
from prefixrun.errors import ConfigError, DivergedError, PrefixrunError
from prefixrun.runs import configure
from prefixrun.runs.diverged import known_divergence
from prefixrun.runs.identity import find_run
from prefixrun.runs.run import Run
from prefixrun.sweeps.attempts import Outcome, attempt
from prefixrun.sweeps.estimate import work
from prefixrun.sweeps.search import EndedTrial, Trial, TrialEnd, TrialStopped
from prefixrun.sweeps.space import Interval, Space

FOLDER = "tune"
"""Of a results tree: one directory a search, with its study and its recipe."""

RATE = "train.lr"
RATE_FACTOR = 30.0
"""Without a space of its own a search tries learning rates from the recipe's by so much down and up."""

EVALUATIONS_PER_TRIAL = 4
"""How often a trial measures its loss, unless train.eval_every says when: what decides whether it is stopped early."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """A search as a command asks for it."""

    fixed: tuple[str, ...]
    """Overrides of every trial."""
    space: Space
    base: Config
    """The configuration without the space, with what the command says of its keys."""
    config_dir: Path | None

    @property
    def directory(self) -> Path:
        """The study's, the same for the same command: settings, corpora, model and space decide."""
        base = find_run(self.base)
        chosen = sorted(f"{key} {setting}" for key, setting in self.space.items())
        digest = sha256("\n".join((base.id, *chosen)).encode()).hexdigest()[:8]
        return base.results_dir / FOLDER / f"{base.directory.name.rpartition('-')[0]}-{digest}"

    @property
    def first(self) -> dict[str, Any]:
        """The values of the configuration itself, for the first trial, where they lie in the space."""
        values = dict(flatten(asdict(self.base)))
        inside = {key: setting.value(values.get(key)) for key, setting in self.space.items()}
        return {key: value for key, value in inside.items() if value is not None}

    def config(self, values: Sequence[str] = ()) -> Config:
        """The configuration of a trial. Raises ConfigError."""
        return configure.compose([*self.fixed, *values], config_dir=self.config_dir)


def tuning(
    fixed: Sequence[str], space: Space, config_dir: Path | None = None, *, several_evaluations: bool = True
) -> Tuning:
    """The search of a command, whose settings are checked. Raises ConfigError, and the errors of reading the corpora.

    several_evaluations: measure the loss EVALUATIONS_PER_TRIAL times where nothing says when.
    """
    base = _base(fixed, space, config_dir)
    if not (base.train.eval_examples or base.train.dev_share):
        raise ConfigError("train.eval_examples=0: a search needs a development loss; give train.eval_examples=NUMBER")
    if not RunData.load(base).dev_pairs:
        raise ConfigError(NO_DEV_PAIRS)
    space = space or {
        RATE: Interval(_short(base.train.lr / RATE_FACTOR), _short(base.train.lr * RATE_FACTOR), log=True)
    }
    if several_evaluations and base.train.eval_every is None and "train.eval_every" not in space:
        every = math.ceil(_steps(base) / EVALUATIONS_PER_TRIAL)
        fixed = [*fixed, format_override("train.eval_every", every)]
        base = _base(fixed, space, config_dir)
    tuned = Tuning(
        tuple(override for override in fixed if override.partition("=")[0] not in space), space, base, config_dir
    )
    for values in _samples(space):
        tuned.config(values)  # an unknown key is reported before anything is made
    return tuned


def _base(fixed: Sequence[str], space: Space, config_dir: Path | None) -> Config:
    """The configuration of the fixed settings; where they need values of the space to be one, with such."""
    try:
        return configure.compose(fixed, config_dir=config_dir)
    except ConfigError:
        for values in _samples(space):
            return configure.compose([*fixed, *values], config_dir=config_dir)
        raise


def _samples(space: Space) -> Iterator[list[str]]:
    """Values of all keys as they are typed: the lowest, or first."""
    values = [
        (key, setting.text(setting.low) if isinstance(setting, Interval) else setting.values[0])
        for key, setting in space.items()
    ]
    if values:
        yield [f"{key}={text}" for key, text in values]


def _short(rate: float) -> float:
    return float(f"{rate:.1g}")


def _steps(config: Config) -> int:
    """About how many steps a trial takes."""
    pairs = work(config, TaskSplits.of(config).train.pairs, 0).pairs
    return max(1, pairs // (config.train.batch_size * config.train.accumulate))


def train_trial(tuned: Tuning, trial: Trial) -> TrialEnd:
    """Train the run of a trial, or take it as it was trained before. Raises what would end other runs too."""
    from prefixrun.runs import pipeline, prepare  # torch takes seconds

    try:
        config = tuned.config(trial.overrides)
        run = find_run(config)
        if (history := known_history(run)) is None:
            if error := known_divergence(run, config):
                raise error
            watch = _Watch(trial)
            pipeline.complete_training(run, prepare.prepare(config), watch)
            history = known_history(run) or []
    except ConfigError as error:
        return TrialEnd("impossible", reason=str(error))
    except DivergedError as error:
        return TrialEnd("diverged", reason=str(error))
    except TrialStopped as stopped:
        return TrialEnd("stopped", watch.last, str(stopped))
    return TrialEnd("complete", final_loss(history, config.train.keep))


def run_trial(tuned: Tuning, trial: Trial) -> TrialEnd:
    """Do the whole run of a trial, or take it as it was done before; an interruption and a full disk get out of it."""
    try:
        config = tuned.config(trial.overrides)
    except ConfigError as error:
        return TrialEnd("impossible", reason=str(error))
    run = find_run(config)
    is_done = run.state() != "finished" and run.has_record()
    outcome = Outcome("before") if is_done else attempt(config)
    if outcome.end in ("now", "before"):
        return TrialEnd("complete", final_loss(known_history(run) or [], config.train.keep))
    if outcome.end == "diverged":
        return TrialEnd("diverged", reason=outcome.reason)
    return TrialEnd("impossible" if outcome.end == "impossible" else "failed", reason=outcome.reason)


class _Watch:
    """Reports each development loss of a training to its trial."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._reported = 0
        self.last: float | None = None

    def __call__(self, progress: Any) -> None:
        for entry in progress.history[self._reported :]:
            self._reported += 1
            if "dev_loss" in entry:
                self.last = entry["dev_loss"]
                self._trial.report(int(entry["step"]), entry["dev_loss"])


def known_history(run: Run) -> list[dict[str, float]] | None:
    """The evaluations of a run that was trained before, or whose record is here; None of any other."""
    if run.state() == "finished":
        return list(run.result()["training"]["history"])
    if run.has_record():
        return list(files.read_json(run.record_json)["training"]["history"])
    if run.manifest.read(run.costs.name) is None or run.manifest.read(run.trained_file.name) is None:
        return None
    return list(files.read_json(run.costs)["training"]["history"])


def final_loss(history: Sequence[Mapping[str, float]], keep: str) -> float:
    """Development loss of the checkpoint that a run keeps (train.keep)."""
    losses = [entry["dev_loss"] for entry in history if "dev_loss" in entry]
    if not losses:
        raise PrefixrunError("a trained run has no development loss; give train.eval_examples=NUMBER")
    return min(losses) if keep == "best" else losses[-1]


def write_recipe(tuned: Tuning, directory: Path, chosen: EndedTrial, trials: int) -> tuple[Path, list[str]]:
    """Write the best trial's training values as a choice of the group recipe/row, which comes after all other recipes.

    Returns the file, and the overrides that it cannot hold: choices of groups.
    """
    config = tuned.config([f"{key}={value}" for key, value in chosen.values.items()])
    settings = dict(flatten(asdict(config)))
    choices = groups(tuned.config_dir)
    keys = [key for key in settings if key.startswith("train.") and key not in outside_identity()]
    keys += [key for key in chosen.values if key in settings and key not in keys]
    content: dict[str, Any] = {"recipe": f"row/{directory.name}: prefixrun tune, best of {trials} trials"}
    for key in keys:
        *sections, name = key.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = settings[key]
    path = directory / "recipe" / "row" / f"{directory.name}.yaml"
    files.make_directory(path.parent)
    head = "# @package _global_\n" + f"# Dev loss {chosen.ended.loss:.4f}. Written by `prefixrun tune`.\n"
    files.write_text(path, head + yaml.safe_dump(content, sort_keys=False))
    return path, [f"{key}={value}" for key, value in chosen.values.items() if key in choices]

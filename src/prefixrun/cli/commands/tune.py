"""prefixrun tune [KEY=VALUE ...] [KEY=CHOICES ...] [trials=20] [--config-dir DIR]

The settings with the lowest development loss, searched for by Optuna (pip install 'prefixrun[tune]').

  KEY=VALUE    as of a run: method=prefix_flat task=e2e profile=laptop data_dir=DIR train.max_steps=60
  KEY=CHOICES  what the search may choose, in Hydra's grammar, with quotes for the shell:
               'train.lr=tag(log, interval(1e-4, 1e-1))'   by the logarithm
               'method.mid_dim=int(interval(64, 800))'
               'prefix_len=range(5, 21, step=5)'
               'train.warmup_steps=choice(0, 10, 20)'
               Without any it is train.lr, from a thirtieth of the recipe's to thirty times that
  trials       how many trials in all, those of earlier commands among them

The first trial has the recipe's own values. A trial trains a run and measures its development loss; nothing is decoded,
and no test input is looked at. It is stopped early when its loss is behind the median of the others at the same step
(train.eval_every says when; four times where it does not). Trials are ordinary runs: what was trained before is not
trained again, and the run's own command goes on to its scores.

The study lies in RESULTS_DIR/tune/; the same command goes on with it. At the end a recipe is written, and the command
that uses it is printed.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prefixrun.cli.arguments import parse_some, split_config_dir, whole_number
from prefixrun.console import count, format_duration, print_text
from prefixrun.errors import ConfigError, DivergedError, PrefixrunError, shortened
from prefixrun.sweeps.search import EndedTrial, Evaluate, Trial, TrialEnd, best, require_optuna, search
from prefixrun.sweeps.space import Space, separated
from prefixrun.sweeps.tuning import Tuning, run_trial, train_trial, tuning, write_recipe

TRIALS, MOST_TRIALS = 20, 99_999
SWEEPER = "hydra/sweeper=optuna"
N_TRIALS = "hydra.sweeper.n_trials"


def run(arguments: Sequence[str]) -> int:
    """Search, write the recipe and print both. Returns 0. Raises DivergedError when no trial has a loss."""
    config_dir, others = split_config_dir(arguments)
    values, overrides = parse_some(others, ("trials",))
    trials = whole_number("trials", values.get("trials", str(TRIALS)), 1, MOST_TRIALS)
    require_optuna()
    tuned = tuning(*separated(overrides), config_dir)
    return _search(tuned, trials, partial(train_trial, tuned))


def is_asked_for(overrides: Sequence[str]) -> bool:
    """Whether a sweep is to be a search: hydra/sweeper=optuna."""
    return SWEEPER in overrides


def sweep(overrides: Sequence[str], config_dir: Path | None) -> int:
    """`prefixrun -m hydra/sweeper=optuna [hydra.sweeper.n_trials=20] KEY=CHOICES ...`: a search whose trials are whole
    runs, with their scores.

    Returns 0, or 1 when a run failed. Raises DivergedError when no run has a loss, ConfigError for other settings of
    Hydra.
    """
    settings, rest = {}, []
    for override in overrides:
        key, _, value = override.partition("=")
        if override == SWEEPER:
            continue
        if key == N_TRIALS:
            settings[key] = value
        elif key.lstrip("+").startswith("hydra"):
            raise ConfigError(
                f"{shortened(override)}: a search runs one trial after the other, and has {N_TRIALS} alone; "
                "leave it out"
            )
        else:
            rest.append(override)
    trials = whole_number(N_TRIALS, settings.get(N_TRIALS, str(TRIALS)), 1, MOST_TRIALS)
    require_optuna()
    tuned = tuning(*separated(rest), config_dir, several_evaluations=False)
    failures: list[str] = []

    def evaluate(trial: Trial) -> TrialEnd:
        end = run_trial(tuned, trial)
        failures.extend([end.reason] if end.end == "failed" else [])
        return end

    _search(tuned, trials, evaluate)
    return PrefixrunError.exit_code if failures else 0


def _search(tuned: Tuning, trials: int, evaluate: Evaluate) -> int:
    """Search, print, and write the recipe. Returns 0."""
    directory = tuned.directory
    print_text(f"search of {', '.join(tuned.space)} by dev loss: {count(trials, 'trial')}, study in {directory}")
    ended = search(directory, tuned.space, tuned.first, trials, evaluate, partial(print_trial, trials))
    chosen = print_best(ended, tuned.space)
    path, choices = write_recipe(tuned, directory, chosen, len(ended))
    print_text(f"recipe: {path}")
    # Beside the recipe as overrides: a budget, a variant or the length of a text would win over it.
    values = [f"{key}={value}" for key, value in chosen.values.items() if f"{key}={value}" not in choices]
    print_text(f"next: {_next_command(tuned, directory, path, [*choices, *values])}")
    return 0


def print_trial(of: int, number: int, trial: EndedTrial, seconds: float) -> None:
    """The line that tells how a trial ended."""
    end = trial.ended
    loss = f"dev loss {end.loss:.4f}" if end.loss is not None else end.reason
    how = {"complete": loss, "stopped": end.reason}.get(end.end, f"{end.end}: {end.reason}")
    print_text(f"[{number}/{of}] {_words(trial)}: {how} ({format_duration(seconds)})")


def print_best(ended: Sequence[EndedTrial], space: Space) -> EndedTrial:
    """Print how the trials ended and the best of them, which is returned. Raises DivergedError without any."""
    ends = Counter(trial.ended.end for trial in ended)
    print_text(f"\n{count(len(ended), 'trial')}: {', '.join(f'{times} {end}' for end, times in ends.items())}")
    chosen = best(ended)
    if chosen is None:
        raise DivergedError("no trial has a development loss; the lines above say why: try lower learning rates")
    print_text(f"best: {_words(chosen)}, dev loss {chosen.ended.loss:.4f}")
    for key, value in chosen.values.items():
        if space[key].is_near_edge(value):
            print_text(f"{key}={value} is at the end of its interval: a wider one may have a better value")
    return chosen


def _words(trial: EndedTrial) -> str:
    return " ".join(f"{key}={value}" for key, value in trial.values.items())


def _next_command(tuned: Tuning, directory: Path, path: Path, choices: Sequence[str]) -> str:
    words = [*tuned.fixed, *choices, f"recipe/row={path.stem}"]
    command = " ".join(map(shlex.quote, words))
    if tuned.config_dir is None:
        return f"prefixrun --config-dir {shlex.quote(str(directory))} {command}"
    rows = shlex.quote(str(tuned.config_dir / "recipe" / "row"))
    config_dir = shlex.quote(str(tuned.config_dir))
    return f"mkdir -p {rows} && cp {shlex.quote(str(path))} {rows} && prefixrun --config-dir {config_dir} {command}"

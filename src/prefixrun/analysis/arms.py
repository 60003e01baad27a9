"""Which run group stands for an arm of a comparison: the setting with the lowest loss on development pairs.

Settings of one structure (initialisation, length, size, parts of the model) were searched alike and differ in learning
rate, warm-up and the like. Neither the score nor the number of runs chooses among them. Their losses are means over the
seeds and subsamples that all of them have, as development parts differ between subsamples; where there are none,
nothing can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, log

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import is_share
from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.groups import RunGroup, split_by
from prefixrun.results.flat_settings import with_defaults
from prefixrun.results.record import Record

USUAL_LENGTH = 10
"""The length that the paper's tuning begins with (section 5.3)."""

DIVERGED = 1.4
"""A run's development loss, in times of the lowest of its structure on the same pairs with the same training, above
which its training counts as failed. Committed runs of one setting and subsample differ by less than 1.2 times."""

INITS = ("words", "random")
"""Initialisations that the paper compares, the preferred one first; others come behind them."""

PARTS = ("method.layers", "method.sites", "method.nested", "method.train_embedding")
"""Settings of which parts of the model a method trains or enters, and for which lengths."""

Draw = tuple[int, int]
"""Subsample and seed."""

DEVELOPMENT = ("train.dev_share", "eval_split")
"""Settings of which pairs a development loss is measured on, beside their number."""

LossKey = tuple[Draw, tuple[object, ...]]
"""Equal for losses on the same development pairs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The run group that stands for an arm."""

    group: RunGroup
    searched: int
    """Settings that it was chosen from, itself included."""
    doubt: str = ""
    """Why the choice decides nothing; empty when it does."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a comparison: which run groups may stand in it."""

    method: str
    share: float | None = None
    """Stored parameters in per cent of the model's, within a factor of 3."""
    init: str | None = None
    """`words` or `random`; None for any but `run`, which has the training of another run behind it."""

    def members(self, groups: Sequence[RunGroup]) -> list[RunGroup]:
        """The run groups that may stand in this arm."""
        return [group for group in groups if self._includes(group)]

    def structures(self, groups: Sequence[RunGroup]) -> list[list[RunGroup]]:
        """The members in lists of one structure, the most preferred first.

        Prefer the task's default initialisation, then words, random and others, then the prefix length nearest
        to that of the paper's table, then the share of parameters nearest to the arm's, then all parts of the model,
        then the smaller size.
        """
        return sorted(split_by(self.members(groups), self.structure), key=lambda same: self.structure(same[0]))

    def select_group(self, groups: Sequence[RunGroup]) -> RunGroup | None:
        """The group of the lowest loss in the most preferred structure; None when no group belongs to this arm."""
        structures = self.structures(groups)
        return choose(structures[0]).group if structures else None

    def _includes(self, group: RunGroup) -> bool:
        init = group.first.result["init"]
        if group.method != self.method or (init != self.init if self.init else init == "run"):
            return False
        return self.share is None or is_share(group.share, self.share)

    def structure(self, group: RunGroup) -> tuple[object, ...]:
        """Equal for groups that were searched alike, smaller for those that are preferred."""
        wanted, length = usual_length(group.first.scored_as), group.first.prefix_len
        distance = 0.0 if self.share is None else abs(log(group.share / self.share))
        init = group.first.result["init"]
        order = (not group.has_default_init, INITS.index(init) if init in INITS else len(INITS), init or "")
        settings, usual = group.first.settings, with_defaults({})
        changed = tuple(settings[key] != usual[key] for key in PARTS)
        return *order, abs(log((length or wanted) / wanted)), length or 0, distance, changed, group.share, parts(group)


@cache
def usual_length(task: str) -> int:
    """Length of the prefix in the paper's table for a task; 10 for one that the paper does not have."""
    rows = paper_numbers.rows(task, contents=("table_to_text", "summarisation", "extrapolation"))
    printed = [row.prefix_len for row in rows if row.method == "prefix" and row.version == "ACL"]
    return next((length for length in printed if length is not None), USUAL_LENGTH)


def parts(group: RunGroup) -> tuple[str, ...]:
    """The settings PARTS of a run group."""
    return tuple(str(group.first.settings[key]) for key in PARTS)


def choose(settings: Sequence[RunGroup]) -> Choice:
    """The group of the lowest development loss among settings that were searched alike."""
    if len(settings) == 1:
        (only,) = settings
        return Choice(only, 1, _diverged(only, settings))
    losses = [_losses(group) for group in settings]
    measured = [of_setting for of_setting in losses if of_setting]
    common = set.intersection(*map(set, measured)) if measured else set()
    means = [
        sum(of_setting[draw] for draw in common) / len(common) if of_setting and common else inf
        for of_setting in losses
    ]
    best = settings[means.index(min(means))]
    unknown = len(measured) < len(settings) or not common
    doubt = f"no loss on the same development pairs tells its {len(settings)} settings apart" if unknown else ""
    return Choice(best, len(settings), doubt or _diverged(best, settings) or _too_few(best, settings))


def _losses(group: RunGroup) -> dict[LossKey, float]:
    runs = ((run, run.dev_loss) for run in group.runs)
    return {(draw(run), _development(run)): loss for run, loss in runs if loss is not None}


def _development(run: Record) -> tuple[object, ...]:
    return run.result.get("n_dev"), *(run.settings.get(name) for name in DEVELOPMENT)


def _too_few(best: RunGroup, settings: Sequence[RunGroup]) -> str:
    """A setting that was tried less than others may not take their place: the claim would lose what they say."""
    most = max(setting.units for setting in settings)
    return f"its setting of the lowest loss has too few runs ({best.units})" if best.units < ENOUGH <= most else ""


def draw(run: Record) -> Draw:
    """Subsample and seed of a run."""
    return run.subsample, run.seed


def _diverged(group: RunGroup, settings: Sequence[RunGroup]) -> str:
    """Which runs of a group failed to train, in scores or before there were any; empty when none did."""
    failed = [*diverged_runs(group, settings), *group.diverged]
    return f"training of {', '.join(failed)} diverged" if failed else ""


def diverged_runs(group: RunGroup, settings: Sequence[RunGroup]) -> list[str]:
    """Ids of the runs of a group whose training failed, by the losses of all `settings` on the same pairs."""
    lowest: dict[tuple[object, ...], float] = {}
    for setting in settings:
        for ((subsample, _), development), measured in _losses(setting).items():
            key = subsample, development
            lowest[key] = min(measured, lowest.get(key, inf))
    return [
        run.run_id
        for run in group.runs
        if (loss := run.dev_loss) is not None
        and (loss > DIVERGED * lowest[run.subsample, _development(run)] or _rose(run))
    ]


def _rose(run: Record) -> bool:
    """Whether the last checkpoint is used and the training loss ended above where it began."""
    losses = [point["train_loss"] for point in run.history if "train_loss" in point]
    return run.settings.get("train.keep") != "best" and len(losses) > 1 and losses[-1] > DIVERGED * losses[0]

"""Run groups: the runs of one configuration, which differ in seed and subsample alone and are averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any, TypeVar

from prefixrun.analysis import comparability
from prefixrun.analysis.comparison import Estimate, estimate, unit_means
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.results.record import Record
from prefixrun.runs.result_schema import stored_share

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class RunGroup:
    """One configuration with its runs; what all of them share is read from the first."""

    runs: tuple[Record, ...]
    """At least one, in the order of subsample and seed, one for each pair of these."""

    @property
    def first(self) -> Record:
        """One of the runs, for what they all share."""
        return self.runs[0]

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.first.method

    @property
    def n_train(self) -> int:
        """Training pairs."""
        return self.first.n_train

    @property
    def seen(self) -> int:
        """How many of the training pairs the schedule gets to; all of them where that is an epoch or more."""
        return self.first.seen

    @property
    def main_metric(self) -> str:
        """The first of the scores that the task is known by."""
        return self.first.main_metrics[0]

    @property
    def is_of_a_part(self) -> bool:
        """Whether the training pairs are a drawn part of the corpus."""
        return self.n_train != self.first.result.get("n_train_available")

    @property
    def units(self) -> int:
        """Independent units: subsamples where a part of the corpus was drawn, else seeds."""
        return len({run.subsample if self.is_of_a_part else run.seed for run in self.runs})

    @property
    def diverged(self) -> tuple[str, ...]:
        """Ids of further runs of the configuration, whose training diverged: they have no scores."""
        return self.first.diverged

    @property
    def precision(self) -> str:
        """The precision that the model computed in."""
        return self.first.precision

    @cached_property
    def comparison_key(self) -> comparability.Key:
        """See comparability.comparison_key."""
        return comparability.comparison_key(self.first)

    @property
    def training_amount(self) -> tuple[int, int, str]:
        """See comparability.training_amount."""
        return comparability.training_amount(self.first)

    def settings_except(self, *keys: str) -> comparability.Key:
        """See comparability.settings_except."""
        return comparability.settings_except(self.first, *keys)

    @property
    def init(self) -> str | None:
        """`random`, `words`, or the words themselves in quotes; None for methods without an initialisation."""
        settings, name = self.first.settings, self.first.result["init"]
        if name is None:
            return None
        words = settings.get("init_words") or settings.get("init.default_words")
        return f"“{words}”" if name == "words" and words else str(name)

    @property
    def has_default_init(self) -> bool:
        """Whether the prefix is initialised from the task's default words, or at random: no other words were chosen."""
        settings = self.first.settings
        return not (settings.get("init_words") or settings.get("init.default_words"))

    def values(self, metric: str) -> list[float]:
        """The score of every run that has it."""
        return [value for run in self.runs if (value := run.value(metric)) is not None]

    def unit_values(self, metric: str) -> list[float]:
        """The score of every independent unit: subsamples where there are several, else runs."""
        return unit_means(self.values(metric), self._subsamples(metric))

    def _subsamples(self, metric: str) -> list[int]:
        return [run.subsample for run in self.runs if run.value(metric) is not None]

    @cached_property
    def _estimates(self) -> dict[str, Estimate | None]:
        return {}

    def estimate(self, metric: str) -> Estimate | None:
        """See comparison.estimate, over seeds and subsamples for these inputs, with ends where the score can be; None
        when no run has the score."""
        if metric not in self._estimates:
            subsamples = self._subsamples(metric)
            self._estimates[metric] = estimate(self.values(metric), subsamples, metric) if subsamples else None
        return self._estimates[metric]

    def cost(self, name: str) -> float | None:
        """Median of a cost over the runs: some of their times are of a machine with other work. None unless all have
        it."""
        known = [cost for run in self.runs if (cost := run.result["costs"].get(name)) is not None]
        return float(median(known)) if len(known) == len(self.runs) else None

    @property
    def dev_loss(self) -> float | None:
        """Mean of the runs' loss on development pairs, in nats a target token; None unless all measured it."""
        return _mean([run.dev_loss for run in self.runs])

    @property
    def forgetting(self) -> float | None:
        """Mean of what the method adds to the loss on plain prose, in nats a token; None unless all measured it."""
        return _mean([run.forgetting for run in self.runs])

    def parameters(self, name: str) -> int:
        """`trained`, `stored` or `total`."""
        return int(self.first.result["parameters"][name])

    @property
    def share(self) -> float:
        """Stored numbers in per cent of the model's."""
        return stored_share(self.first.result)


def run_groups(records: Iterable[Record]) -> list[RunGroup]:
    """All run groups in the order of task, model, method, training pairs, prefix length, initialisation and size.

    A seed that was run twice counts once, and so does one that was run with several subsample seeds where no subsample
    is drawn.
    """
    grouped: dict[str, dict[tuple[int, int], Record]] = {}
    for record in records:
        key = (record.subsample, record.seed)
        grouped.setdefault(record.group_key, {}).setdefault(key, record)
    groups = [RunGroup(tuple(runs[key] for key in sorted(runs))) for runs in grouped.values()]
    return sorted(groups, key=_order)


def split_by(items: Iterable[Item], key: Callable[[Item], object]) -> list[list[Item]]:
    """The items in lists of equal key, in the order in which the keys appear."""
    by_key: dict[object, list[Item]] = {}
    for item in items:
        by_key.setdefault(key(item), []).append(item)
    return list(by_key.values())


def comparable(groups: Iterable[RunGroup]) -> list[list[RunGroup]]:
    """The run groups in lists whose scores may be compared."""
    return split_by(groups, lambda group: (group.comparison_key, group.training_amount))


def runs_of(groups: Iterable[RunGroup]) -> list[Record]:
    """All runs of the groups."""
    return [run for group in groups for run in group.runs]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _order(group: RunGroup) -> tuple[Any, ...]:
    first = group.first
    methods = (*METHOD_SPECS, first.method)  # one that is not known comes last
    return (
        first.task,
        first.model,
        methods.index(first.method),
        first.method,
        -group.n_train,
        first.prefix_len or 0,
        group.init or "",
        group.parameters("stored"),
        first.settings.get("train.lr") or 0,
        first.group_key,
    )

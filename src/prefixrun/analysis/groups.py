"""Runs of one configuration that differ in seed and subsample alone, as groups with names that tell them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

from prefixrun.analysis.comparison import Estimate, estimate
from prefixrun.config.method_specs import METHOD_SPECS, spec_of
from prefixrun.config.setting_roles import outside_identity, repeats
from prefixrun.errors import DataError
from prefixrun.results import display_names
from prefixrun.results.records import Record
from prefixrun.runs.result_schema import SAMPLE

IN_LABELS = ("task.", "model.", "method.name", "init.name", "init_words", "prefix_len")
"""Beginnings of the keys that a label says in its own words."""

DECODING = (
    "beams",
    "length_norm",
    "length_penalty",
    "max_new_tokens",
    "min_new_tokens",
    "no_repeat_ngram",
    "ban_newlines",
)
"""Settings of decoding that change outputs."""

Scope = tuple[str, str, str, int]
"""Task, split, data source and number of inputs: scores may stand in one column within a scope only."""


@dataclass(frozen=True, eq=False)
class RunGroup:
    """One configuration with its runs."""

    runs: tuple[Record, ...]
    """At least one, in the order of subsample and seed, one for each of these."""

    @property
    def first(self) -> Record:
        """Any of the runs, for what they all share."""
        return self.runs[0]

    @property
    def scope(self) -> Scope:
        """Within what its scores may stand in one column."""
        result = self.first.result
        return str(result["task"]), str(result["split"]), str(result["data_source"]), int(result["n_inputs"])

    @cached_property
    def comparison_key(self) -> tuple[object, ...]:
        """What run groups must share before their scores are compared, beside `training`.

        The scope, the model and its weights, the file that was scored, linearisation, decoding, and the meaning of the
        numbers.
        """
        first = self.first
        files = first.result.get("data", {}).get(first.split, {}).get("files", [])
        weights = first.result.get("backbone", {}).get("sha256")
        return (
            *self.scope,
            first.model,
            weights,
            tuple(file.get("sha256") for file in files),
            first.settings.get("task.linearisation"),
            *(first.settings.get(f"decode.{name}") for name in DECODING),
            first.result["provenance"].get("semantics"),
        )

    @property
    def decoding(self) -> str:
        """`greedy` or `beam 5`."""
        beams = self.first.settings.get("decode.beams")
        return "greedy" if beams == 1 else f"beam {beams}"

    def settings_except(self, *names: str) -> tuple[object, ...]:
        """What points share that differ in settings whose names begin with `names` alone."""
        dropped = (*names, *repeats(), *outside_identity())
        kept = {key: repr(value) for key, value in self.first.settings.items() if not key.startswith(dropped)}
        return (*self.comparison_key, self.n_train, *sorted(kept.items()))

    @property
    def n_train(self) -> int:
        return self.first.n_train

    @property
    def seen(self) -> int:
        """How many of its training pairs the schedule gets to; all of them where that is an epoch or more."""
        return self.first.seen

    @property
    def training(self) -> tuple[int, int, str]:
        """Training pairs, how many of them are seen, and the number format: what run groups share whose scores are set
        against each other. More than an epoch counts as one, as methods of the paper have different numbers of them."""
        return self.n_train, self.seen, self.precision

    @property
    def precision(self) -> str:
        """The number format that the model computed in."""
        return self.first.precision

    @property
    def amount(self) -> str:
        """`training` in words: `1,600 of 42,061 pairs, bf16`."""
        pairs = f"{self.seen:,} of {self.n_train:,} pairs" if self.seen < self.n_train else f"{self.n_train:,} pairs"
        return pairs + ("" if self.precision == "fp32" else f", {self.precision}")

    @property
    def init(self) -> str | None:
        """`random`, or the words in quotes; None for methods without an initialisation."""
        settings = self.first.settings
        if self.first.result["init"] is None:
            return None
        words = settings.get("init_words") or settings.get("init.default_words")
        return f"“{words}”" if self.first.result["init"] == "words" and words else str(self.first.result["init"])

    @property
    def has_own_words(self) -> bool:
        """Whether it starts as its task does when nobody says otherwise: from the task's own words, or at random."""
        settings = self.first.settings
        return not (settings.get("init_words") or settings.get("init.default_words"))

    def values(self, metric: str) -> list[float]:
        """The score of every run that has it."""
        return [value for each in self.runs if (value := each.value(metric)) is not None]

    @cached_property
    def _estimates(self) -> dict[str, Estimate | None]:
        return {}

    def estimate(self, metric: str) -> Estimate | None:
        """Mean, standard deviation and interval over the runs; None when none has the score."""
        if metric not in self._estimates:
            scored = [run for run in self.runs if run.value(metric) is not None]
            subsamples = [run.subsample_seed for run in scored]
            self._estimates[metric] = estimate(self.values(metric), subsamples) if scored else None
        return self._estimates[metric]

    def cost(self, name: str) -> float | None:
        """Mean of a cost over the runs; None unless all have it."""
        values = [each.result["costs"].get(name) for each in self.runs]
        return None if any(value is None for value in values) else sum(values) / len(values)

    @property
    def dev_loss(self) -> float | None:
        """Loss on development pairs of the state that was kept, in nats a target token, mean over the runs; None unless
        all measured it."""
        losses = [loss for each in self.runs if (loss := each.dev_loss) is not None]
        return sum(losses) / len(losses) if len(losses) == len(self.runs) else None

    @property
    def loss_to_choose_by(self) -> float:
        """`dev_loss`, by which the paper chose too; infinite where it was not measured."""
        return inf if self.dev_loss is None else self.dev_loss

    def parameters(self, name: str) -> int:
        """`trained`, `trained_tensors` or `total`."""
        return int(self.first.result["parameters"][name])

    @property
    def share(self) -> float:
        """Stored numbers in per cent of the model's."""
        return 100 * self.parameters("stored") / self.parameters("total") if self.parameters("total") else 0.0


def run_groups(records: Iterable[Record]) -> list[RunGroup]:
    """All run groups, in the order of their records' task, method, model; a seed that was run twice counts once.

    So does one that was run with several subsample seeds where no subsample is drawn.
    """
    grouped: dict[str, dict[tuple[int, int], Record]] = {}
    for record in records:
        key = (record.subsample_seed if draws_subsample(record) else 0, record.seed)
        grouped.setdefault(record.group_key, {}).setdefault(key, record)
    found = [RunGroup(tuple(runs[key] for key in sorted(runs))) for runs in grouped.values()]
    return sorted(found, key=_order)


def select_group(alike: Sequence[RunGroup]) -> RunGroup:
    """The most runs, then the lowest loss on development pairs, then the first; never the best score."""
    return max(alike, key=lambda group: (len(group.runs), -group.loss_to_choose_by))


def draws_subsample(record: Record) -> bool:
    """Whether `subsample_seed` has an effect: on the training pairs, the held-out ones, or the examples of a prompt."""
    settings = record.settings
    is_part = record.n_train != record.result.get("n_train_available")
    return bool(is_part or settings.get("train.dev_share") or settings.get("method.shots"))


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


def check_signatures(groups: Sequence[RunGroup], metrics: Iterable[str]) -> None:
    """Raise DataError when scores that would stand in one column were not made in the same way, naming both."""
    for metric in metrics:
        ways: dict[Scope, dict[str, Record]] = {}
        for group in groups:
            for run in group.runs:
                if (way := run.signature(metric)) is not None and run.value(metric) is not None:
                    ways.setdefault(group.scope, {}).setdefault(way, run)
        for scope, of_scope in ways.items():
            if len(of_scope) > 1:
                parts = [f"{way} ({run.directory.name})" for way, run in sorted(of_scope.items())]
                raise DataError(
                    f"{next(iter(of_scope.values())).directory.parent}: {metric} of {scope[0]} was made in "
                    f"{len(of_scope)} ways, which cannot stand in one column: {' and '.join(parts)}; score the outputs "
                    "of one of them again, or move its record away"
                )


def have_one_signature(groups: Iterable[RunGroup], metric: str) -> bool:
    """Whether all scores of a name have one signature."""
    return len({run.signature(metric) for group in groups for run in group.runs if run.value(metric) is not None}) < 2


def labels(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """A name for each run group; run groups that would share one also say the settings in which they differ."""
    named: dict[str, list[RunGroup]] = {}
    for group in groups:
        named.setdefault(_label(group), []).append(group)
    return {
        group: ", ".join((label, *(_differences(group, alike) if len(alike) > 1 else ())))
        for label, alike in named.items()
        for group in alike
    }


def _label(group: RunGroup) -> str:
    record, result = group.first, group.first.result
    parts = [display_names.of_method(record.method)]
    if spec_of(record.method).compared_by_share:
        parts.append(f"{group.share:.2g} %")
    if record.prefix_len is not None:
        parts.append(f"length {record.prefix_len}")
    if group.init is not None:
        parts.append(group.init)
    available = result.get("n_train_available")
    if available is not None and group.n_train < available:
        parts.append(f"{group.n_train:,} pairs")
    return ", ".join(parts)


def _differences(group: RunGroup, alike: Sequence[RunGroup]) -> list[str]:
    """`key=value` of the settings in which points of one label differ."""
    unsaid = (*IN_LABELS, *repeats(), *outside_identity())
    keys = sorted({key for each in alike for key in each.first.settings if not key.startswith(unsaid)})
    differing = [key for key in keys if len({repr(each.first.settings.get(key)) for each in alike}) > 1]
    settings: Mapping[str, Any] = group.first.settings
    told = [f"{key.removeprefix('train.').removeprefix('method.')}={settings.get(key)}" for key in differing]
    shared = sum(1 for each in alike if all(each.first.settings.get(k) == settings.get(k) for k in differing)) > 1
    return [*told, f"point of run {group.first.run_id}"] if shared else told


def circumstances(group: RunGroup) -> str:
    """Profile, corpus and amount of training: what stands beside numbers that are not the paper's setting."""
    result = group.first.result
    profiles = sorted({str(run.result["profile"]) for run in group.runs})
    parts = [f"{' and '.join(profiles)} profile"]
    if result["data_source"] == SAMPLE:
        parts.append("sample corpus")
    parts.append(_training(group))
    available = result.get("n_inputs_available")
    if available is not None and result["n_inputs"] < available:
        parts.append(f"{result['n_inputs']:,} of {available:,} inputs")
    return ", ".join(parts)


def _training(group: RunGroup) -> str:
    """How many pairs were seen, of how many."""
    settings = group.first.settings
    steps = group.cost("train_steps")
    size = settings.get("train.batch_size")
    if not steps or size is None:
        return f"{group.n_train:,} pairs"
    seen = round(steps * size * settings.get("train.accumulate", 1))
    return f"{seen:,} pairs from {group.n_train:,}" if seen < group.n_train else f"{group.n_train:,} pairs"

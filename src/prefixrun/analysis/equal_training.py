"""Have the two sides of a comparison had equal training?

Equal is: as many pairs trained on, counted with repetition; rows of as many targets, where steps limit the training, as
a batch of such rows is seldom quite full; and the checkpoint that is used chosen in the same way, either the last one
or, on both sides, that of the lowest loss on development pairs. With the latter each side stops where it is best,
within the same budget.

One exception is the paper's own training, where both sides have it: its claims are made with other epochs for the
methods (Table 6), and with 200/200/200/400 steps for prefix-tuning against 100/100/200/400 for fine-tuning with 50,
100, 200 and 500 pairs (Table 8, ACL version), each choosing its best checkpoint on a development part. The evidence
then says so. Steps that are neither equal nor these decide nothing, however close they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from prefixrun.analysis.comparability import is_share
from prefixrun.analysis.groups import RunGroup

SMALL_ADAPTER = "adapter, 0.1 %"

EPOCHS: Mapping[str, Mapping[str, int]] = {
    "e2e": {"prefix": 5, "finetune": 5, "finetune_top": 5, "adapter": 5, SMALL_ADAPTER: 10},
    "webnlg": {"prefix": 5, "finetune": 10, "finetune_top": 10, "adapter": 5, SMALL_ADAPTER: 10},
    "dart": {"prefix": 10, "finetune": 10, "finetune_top": 5, "adapter": 5, SMALL_ADAPTER: 5},
    "xsum_news_to_sports": {"prefix": 15, "finetune": 5},
    "xsum_within_news": {"prefix": 30, "finetune": 5},
}
"""Task -> method -> epochs on all pairs (Table 6); adapters of 3 % and of 0.1 %."""

LOW_DATA_STEPS: Mapping[str, Mapping[int, int]] = {
    "prefix": {50: 200, 100: 200, 200: 200, 500: 400},
    "finetune": {50: 100, 100: 100, 200: 200, 500: 400},
}
"""Method -> training pairs -> steps on E2E (Table 8)."""

LOW_DATA_BATCH = 10

Training = tuple[int, bool, int | None]
"""Pairs trained on, whether the checkpoint of the lowest development loss is used, and the most targets behind one
input, which is None where the training ends with an epoch."""


def training_of(group: RunGroup) -> Training:
    """Equal for run groups that had equal training."""
    settings = group.first.settings
    chooses = settings.get("train.keep") == "best"
    trained = pairs_trained(group)
    ends_early = trained < _epochs(group) * group.n_train
    return trained, chooses, settings.get("train.targets_per_row") if ends_early else None


def pairs_trained(group: RunGroup) -> int:
    """Pairs in all steps together, each counted as often as it was seen; batches of full size, but for the last of an
    epoch."""
    settings = group.first.settings
    steps, size = settings.get("train.max_steps"), settings.get("train.batch_size")
    if steps is None or size is None:
        return _epochs(group) * group.n_train
    size = int(size * settings.get("train.accumulate", 1))
    epochs, further = divmod(int(steps), max(1, ceil(group.n_train / size)))
    return min(_epochs(group) * group.n_train, epochs * group.n_train + min(group.n_train, further * size))


def _epochs(group: RunGroup) -> int:
    return int(group.first.settings.get("train.epochs") or 1)


def has_the_papers(group: RunGroup) -> bool:
    """Whether a run group was trained for as long as the paper trained its method on this task and amount of data."""
    settings, steps = group.first.settings, group.first.settings.get("train.max_steps")
    low = LOW_DATA_STEPS.get(group.method, {}).get(group.n_train)
    if group.first.task == "e2e" and low is not None:
        return training_of(group)[:2] == (low * LOW_DATA_BATCH, True)
    is_small = group.method == "adapter" and is_share(group.share, 0.1)
    epochs = EPOCHS.get(group.first.task, {}).get(SMALL_ADAPTER if is_small else group.method)
    return steps is None and group.first.is_of_all_pairs and settings.get("train.epochs") == epochs


def why_unequal(first: RunGroup, second: RunGroup) -> str:
    """What is unequal in the training of two run groups; empty when nothing is, or both had the paper's own."""
    ours, theirs = training_of(first), training_of(second)
    if ours == theirs or (ours[1] == theirs[1] and has_the_papers(first) and has_the_papers(second)):
        return ""
    if ours[0] != theirs[0]:
        return f"{ours[0]:,} pairs trained on against {theirs[0]:,}"
    if ours[1] != theirs[1]:
        return f"{_state(ours)} against {_state(theirs)}"
    return f"rows of {ours[2]} targets against {theirs[2]}"


def note(first: RunGroup, second: RunGroup) -> str:
    """What to say of two trainings that count as equal and are not the same; mostly empty."""
    ours, theirs = training_of(first), training_of(second)
    return "" if ours == theirs else f"the paper's own training, {ours[0]:,} pairs against {theirs[0]:,}"


def _state(training: Training) -> str:
    return "checkpoint of the lowest development loss" if training[1] else "last checkpoint"

"""Evidence for the claim on little data: one difference for each seed and subsample, averaged over the sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from prefixrun.analysis.arms import Arm, Draw, draw
from prefixrun.analysis.claim_rules import (
    DIFFERENT_SIGNATURES,
    Comparison,
    Evidence,
    Match,
    count_text,
    interval_text,
    is_of_more_inputs,
    key_but_pairs,
    match_notes,
    moved_text,
    run_ids,
    task_and_model,
    weighed_evidence,
)
from prefixrun.analysis.comparability import have_one_signature
from prefixrun.analysis.comparison import ENOUGH, estimate, mean_influence
from prefixrun.analysis.equal_training import LOW_DATA_STEPS
from prefixrun.analysis.groups import RunGroup, runs_of, split_by
from prefixrun.analysis.verdicts import judge
from prefixrun.results import display_names
from prefixrun.results.record import Record


def low_data_mean(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """A rule: prefix-tuning minus fine-tuning averaged over the small sizes, one number for each seed and subsample.

    Prefixes are initialised from words, as the paper's low-data runs are.
    """
    # Of a whole corpus there are no subsamples; other sizes than the paper's are not of its mean.
    concerned = [group for group in groups if group.is_of_a_part and group.n_train in LOW_DATA_STEPS["prefix"]]
    matches = Comparison(Arm("prefix", init="words"), Arm("finetune"), "more", amount="low").matches(concerned)
    means = []
    for alike in split_by(matches, key_but_pairs):
        with_enough = [match for match in alike if _subsamples(match) >= ENOUGH]
        counted = with_enough if len(with_enough) > 1 else alike
        if len(counted) > 1:
            means.append(sorted(counted, key=lambda match: match.first.group.n_train))
    for sizes in means:
        if not any(_are_of_more_inputs(others, sizes) for others in means):
            yield from _averaged(sizes)


def _are_of_more_inputs(others: Sequence[Match], sizes: Sequence[Match]) -> bool:
    """Whether others say all that these sizes do; see claim_rules.is_of_more_inputs."""
    metric = sizes[0].first.group.main_metric
    return all(any(is_of_more_inputs(other, match, metric) for other in others) for match in sizes)


def _averaged(matches: Sequence[Match]) -> Iterator[Evidence]:
    first = matches[0].first.group
    metric = first.main_metric
    sizes = ", ".join(f"{match.first.group.n_train:,}" for match in matches)
    everyone = [group for match in matches for group in match.pair]
    # A seed and subsample count where all pairs have them: then each gives one mean difference over the sizes.
    by_pair = [tuple(_by_draw(group, metric) for group in match.pair) for match in matches]
    shared = sorted(set.intersection(*(set(prefix) & set(finetune) for prefix, finetune in by_pair)))
    if not shared:
        text = f"{task_and_model(first)}, mean over {sizes} pairs: no seed and subsample has both methods at each size"
        yield Evidence("too few runs", text, run_ids(*everyone), "runs of the same seeds and subsamples at each size")
        return
    runs = [([prefix[key] for key in shared], [finetune[key] for key in shared]) for prefix, finetune in by_pair]
    differences = [np.subtract(_values(prefix, metric), _values(finetune, metric)) for prefix, finetune in runs]
    values = np.mean(differences, axis=0).tolist()
    variance, why_unknown = _variance_over_inputs(runs, metric)
    mean = replace(estimate(values, [subsample for subsample, _ in shared]), input_variance=variance)
    number_format = "" if first.precision == "fp32" else f", {first.precision}"
    head = (
        f"{task_and_model(first)}, mean over {sizes} pairs{number_format}: "
        f"{display_names.of_metric(metric)} of prefix-tuning (init=words) minus fine-tuning {interval_text(mean, 1)}, "
        f"{count_text(mean)}{f' (of seeds alone: {why_unknown})' if why_unknown else ''}"
    )
    notes = dict.fromkeys(filter(None, (match_notes(match) for match in matches)))
    signature = "" if have_one_signature(runs_of(everyone), metric) else DIFFERENT_SIGNATURES
    doubt = "; ".join(dict.fromkeys(filter(None, (*(match.doubt for match in matches), signature))))
    unequal = "; ".join(dict.fromkeys(filter(None, (match.unequal for match in matches))))
    verdict = judge(mean, "more", 0.0, units=mean.subsamples, unit="subsample")
    yield weighed_evidence(
        verdict, "; ".join((head, *notes)), doubt, unequal, run_ids(*everyone), moved_text(verdict, 1)
    )


def _subsamples(match: Match) -> int:
    """How many both sides have."""
    return len(set.intersection(*({run.subsample for run in group.runs} for group in match.pair)))


def _by_draw(group: RunGroup, metric: str) -> dict[Draw, Record]:
    return {draw(run): run for run in group.runs if run.value(metric) is not None}


def _values(runs: Sequence[Record], metric: str) -> list[float]:
    return [float(run.value(metric) or 0.0) for run in runs]


def _variance_over_inputs(sizes: Sequence[tuple[Sequence[Record], Sequence[Record]]], metric: str) -> tuple[float, str]:
    """Of the difference averaged over sizes, over draws of the inputs that all sizes share; 0 and why where unknown."""
    known = [[mean_influence(runs, metric) for runs in sides] for sides in sizes]
    measured = [value for sides in known for value in sides if value is not None]
    if len(measured) < 2 * len(known) or len({ids for ids, _ in measured}) != 1:
        return 0.0, "no counts of the same inputs"
    by_size = np.reshape([influence for _, influence in measured], (len(known), 2, -1))
    return float(np.sum(np.square(np.mean(by_size[:, 0] - by_size[:, 1], axis=0)))), ""

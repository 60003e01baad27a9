"""Curves of training: the losses of all runs of a task, model and number of training pairs, step by step.

Only runs that measured their losses at least twice make a curve.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from prefixrun.analysis.arms import Arm, diverged_runs
from prefixrun.analysis.canvas import as_svg, canvas_of
from prefixrun.analysis.equal_training import training_of
from prefixrun.analysis.groups import comparable, run_groups, split_by
from prefixrun.analysis.html.figures import PageFigure
from prefixrun.config.method_specs import spec_of
from prefixrun.console import count
from prefixrun.results import display_names
from prefixrun.results.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = (("train_loss", "training loss (nats a token)"), ("dev_loss", "development loss (nats a token)"))
"""Key of an evaluation → axis."""

FEWEST = 2
"""Evaluations that make a curve."""

HEIGHT = 3.2
"""Of a figure, in inches."""


def training_figures(records: Sequence[Record]) -> tuple[PageFigure, ...]:
    """One figure for each task, model and number of training pairs, a line a run."""
    with_curves = [record for record in records if len(record.history) >= FEWEST]
    alike = split_by(with_curves, lambda run: (run.task, run.model, run.n_train, run.result["data_source"]))
    return tuple(
        _figure(runs) for runs in sorted(alike, key=lambda runs: (runs[0].task, runs[0].model, runs[0].n_train))
    )


def diverged(runs: Sequence[Record]) -> set[str]:
    """Ids of the runs whose training failed, beside the others of their structure with the same training."""
    trained = [run for run in runs if spec_of(run.method).trains]
    return {
        name
        for alike in comparable(run_groups(trained))
        for settings in split_by(
            alike, lambda group: (group.method, Arm(group.method).structure(group), training_of(group))
        )
        for group in settings
        for name in diverged_runs(group, settings)
    }


def _figure(runs: Sequence[Record]) -> PageFigure:
    first = runs[0]
    where = f"{display_names.of_task(first.task)}, {display_names.of_model(first.model)}"
    failed = diverged(runs)
    with canvas_of(len(LOSSES), HEIGHT) as canvas:
        panels = canvas.subplots(1, len(LOSSES), squeeze=False)[0]
        for axes, (key, label) in zip(panels, LOSSES, strict=True):
            for run in runs:
                _line(axes, run, key, has_failed=run.run_id in failed)
            axes.set_xlabel("step")
            axes.set_ylabel(label)
        handles, labels = panels[0].get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        canvas.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=min(4, len(shown)), fontsize=8)
        svg = as_svg(canvas)
    return PageFigure(f"Training: {where}, {first.n_train:,} pairs", _caption(runs, failed), svg)


def _caption(runs: Sequence[Record], failed: Collection[str]) -> str:
    """What to see: where overfitting begins, which run is best, which have failed."""
    risen = [run for run in runs if _has_overfitted(run)]
    best = min(runs, key=lambda run: run.dev_loss if run.dev_loss is not None else float("inf"))
    parts = [f"{count(len(runs), 'run')}, a line each."]
    if any(run.result["init"] == "random" for run in runs):
        parts.append("Dashed: a prefix with random initialisation.")
    if best.dev_loss is not None:
        rate = best.settings.get("train.lr")
        at = f" at a learning rate of {rate:g}" if rate else ""
        parts.append(
            f"Lowest development loss of the checkpoints that were used: {display_names.of_method(best.method)}{at} "
            f"({best.dev_loss:.3f})."
        )
    if risen:
        parts.append(f"In {len(risen)} of them the development loss rises while the training loss falls: overfitting.")
    if failed:
        parts.append(f"Crosses: training diverged ({', '.join(sorted(failed))}).")
    return " ".join(parts)


def _has_overfitted(run: Record) -> bool:
    """Whether the development loss ends above its lowest while the training loss has fallen since."""
    points = [point for point in run.history if "dev_loss" in point and "train_loss" in point]
    if not points:
        return False
    lowest, last = min(points, key=lambda point: point["dev_loss"]), points[-1]
    return bool(last["dev_loss"] > 1.02 * lowest["dev_loss"] and last["train_loss"] < lowest["train_loss"])


def _line(axes: Axes, run: Record, key: str, *, has_failed: bool) -> None:
    points = [(entry["step"], entry[key]) for entry in run.history if key in entry]
    spec = spec_of(run.method)
    is_random = run.result["init"] == "random"
    name = display_names.of_method(run.method)
    axes.plot(
        [step for step, _ in points],
        [loss for _, loss in points],
        linestyle="--" if is_random else "-",
        color=spec.colour,
        linewidth=1.0,
        alpha=0.7,
        label=f"{name}, random init" if is_random else name,
    )
    if has_failed and points:
        axes.plot(*points[-1], "x", color=spec.colour, markersize=6)

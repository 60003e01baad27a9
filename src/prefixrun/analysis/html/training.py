"""Curves of training: the losses of all runs of a task, model and number of training pairs, step by step.

Only runs that measured their losses at least twice make a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefixrun.analysis.groups import split_by
from prefixrun.analysis.html.figures import PageFigure, address
from prefixrun.analysis.plots import as_svg, canvas_of
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names
from prefixrun.results.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = (("train_loss", "training loss (nats a token)"), ("dev_loss", "development loss (nats a token)"))
"""Key of an evaluation → axis."""

FEWEST = 2
"""Evaluations that make a curve."""

HEIGHT = 3.6
"""Of a figure, in inches."""


def training_figures(records: Sequence[Record]) -> tuple[PageFigure, ...]:
    """One figure for each task, model and number of training pairs, a line a run."""
    with_curves = [record for record in records if len(_history(record)) >= FEWEST]
    alike = split_by(with_curves, lambda run: (run.task, run.model, run.n_train, run.result["data_source"]))
    return tuple(
        _figure(runs) for runs in sorted(alike, key=lambda runs: (runs[0].task, runs[0].model, runs[0].n_train))
    )


def _history(record: Record) -> list[dict[str, Any]]:
    return list(record.result.get("training", {}).get("history", []))


def _figure(runs: Sequence[Record]) -> PageFigure:
    first = runs[0]
    where = f"{display_names.of_task(first.task)}, {display_names.of_model(first.model)}"
    title = f"Training, {where}, {first.n_train:,} pairs"
    with canvas_of(title, len(LOSSES), HEIGHT) as canvas:
        panels = canvas.subplots(1, len(LOSSES), squeeze=False)[0]
        for axes, (key, label) in zip(panels, LOSSES, strict=True):
            for run in runs:
                _line(axes, run, key)
            axes.set_xlabel("step")
            axes.set_ylabel(label)
        handles, labels = panels[0].get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        canvas.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=min(4, len(shown)), fontsize=8)
        svg = as_svg(canvas)
    best = min(runs, key=lambda run: run.dev_loss if run.dev_loss is not None else float("inf"))
    caption = f"{len(runs)} runs, a line each; dashed: a prefix from a random start. "
    if best.dev_loss is not None:
        method = display_names.of_method_briefly(best.method)
        rate = best.settings.get("train.lr")
        caption += (
            f"Of the states that were used, {method} at a rate of {rate:g} has the lowest loss: {best.dev_loss:.3f}. "
        )
    caption += "A development loss that rises while the training loss falls is overfitting."
    return PageFigure(title, caption, address(svg))


def _line(axes: Axes, run: Record, key: str) -> None:
    points = [(entry["step"], entry[key]) for entry in _history(run) if key in entry]
    spec = spec_of(run.method)
    is_random = run.result["init"] == "random"
    name = display_names.of_method_briefly(run.method)
    axes.plot(
        [step for step, _ in points],
        [loss for _, loss in points],
        linestyle="--" if is_random else "-",
        color=spec.colour,
        linewidth=1.0,
        alpha=0.7,
        label=f"{name}, random start" if is_random else name,
    )

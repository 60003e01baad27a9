"""What combinations of prefixes keep of both tasks: a table and a picture for each two tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from prefixrun.analysis.arms import draw
from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.group_labels import decoding_text
from prefixrun.analysis.groups import split_by
from prefixrun.analysis.open_answers import DOTS, Answer, dev_losses, picture_name
from prefixrun.analysis.open_plots import Picture, Series
from prefixrun.analysis.table_format import mean_sd
from prefixrun.console import NONE, simple_table
from prefixrun.results import display_names
from prefixrun.results.record import Record


def combined_prefixes(records: Sequence[Record]) -> Iterator[Answer]:
    """What combinations of the prefixes of two tasks are worth on both of them; a table for each two tasks."""
    combined = [record for record in records if record.method == "prefix_combined" and _sources(record)]
    for of_model in split_by(combined, lambda record: (record.model, record.precision)):
        lengths = split_by(of_model, _length_of_sources)
        for of_length in lengths:
            length = f", length {_length_of_sources(of_length[0]):g}" if len(lengths) > 1 else ""
            for tasks in combinations(sorted({record.task for record in of_length}), 2):
                of_both = [record for record in of_length if {record.task, *_sources(record)} <= {*tasks}]
                own = {task: [record for record in of_both if _sources(record) == [task]] for task in tasks}
                if all(own.values()):
                    yield _of_two_tasks(of_both, own, length)


def _of_two_tasks(records: Sequence[Record], own: Mapping[str, Sequence[Record]], length: str) -> Answer:
    """`own`: the runs of the prefix of each task alone, on both."""
    combined = sorted(split_by(records, _combination), key=lambda alike: _combination(alike[0]))
    names = [_combination(alike[0])[1] for alike in combined]
    rows = [
        (name, *(cell for task in own for cell in _kept(alike, own, task)))
        for name, alike in zip(names, combined, strict=True)
    ]
    scores = {record.task: record.main_metrics[0].partition("/")[0] for record in records}
    headings = (f"{display_names.of_task(task)}: {what}" for task in own for what in ("loss", "kept, %", scores[task]))
    inputs = " or ".join(map(str, sorted({record.result["n_inputs"] for record in records})))
    decoding = " or ".join(dict.fromkeys(decoding_text(record) for record in records))
    title = f"Combining: {display_names.of_model(records[0].model)}{length}"
    losses = {task: [_losses(_of_task(alike, task)) for alike in combined] for task in own}
    table = simple_table(
        ("prefix", *headings),
        rows,
        numbers=range(1, 7),
        title=title,
        notes=[
            "Kept: 100 is the loss of the task's own prefix, 0 that of the other task's, mean over seeds. "
            f"{' and '.join(dict.fromkeys(scores.values()))}: of {inputs} inputs, {decoding}."
        ],
    )
    picture = Picture(
        name=picture_name("combine", records[0], f"{'-'.join(own)}{length}", with_task=False),
        title=title,
        caption=f"The loss of each combination on the development pairs of both tasks. {DOTS}",
        places=tuple(names),
        place_label="",
        panels=tuple(
            (
                f"loss on {display_names.of_task(task)} (nats a token)",
                (
                    Series(
                        "", "prefix_combined", tuple((row, values) for row, values in enumerate(losses[task]) if values)
                    ),
                ),
            )
            for task in own
        ),
    )
    return Answer(table, picture)


def _sources(record: Record) -> list[str]:
    """The tasks of the runs that a combination is made of; none where its record does not name them."""
    named = record.settings.get("method.sources")
    return str(named).split("+") if named else []


def _length_of_sources(record: Record) -> float:
    """Of each prefix of a combination."""
    length = float(record.settings["prefix_len"])
    return length / len(_sources(record)) if record.settings.get("method.combine") == "concatenate" else length


def _combination(record: Record) -> tuple[int, str]:
    """Number of prefixes and name of a combination."""
    sources = [display_names.of_task(task) for task in _sources(record)]
    how, weights = str(record.settings["method.combine"]), record.settings.get("method.weights")
    if len(sources) == 1:
        name = f"{sources[0]} alone"
    elif how == "keys_values" and len(sources) == 2:
        name = f"keys of {sources[0]}, values of {sources[1]}"
    else:
        participles = {"concatenate": "concatenated", "average": "averaged", "sum": "summed"}
        name = f"{' + '.join(sources)}, {participles.get(how, how)}" + (f" {weights}" if weights else "")
    return len(sources), name + (", two seeds" if len(set(sources)) < len(sources) == 2 else "")


def _of_task(alike: Sequence[Record], task: str) -> list[Record]:
    """The runs on a task in the order of their seeds, each prefix once, however often it was decoded."""
    on_task = sorted((record for record in alike if record.task == task), key=draw)
    return [runs[0] for runs in split_by(on_task, lambda record: (draw(record), record.settings.get("method.digest")))]


def _losses(runs: Sequence[Record]) -> tuple[float, ...]:
    return tuple(record.dev_loss for record in runs if record.dev_loss is not None)


def _kept(alike: Sequence[Record], own: Mapping[str, Sequence[Record]], task: str) -> tuple[str, str, str]:
    """Loss, share of what the task's own prefix gains over that of the other task, and score, on one of both tasks.

    There is no share where the own prefix gains nothing.
    """
    runs = _of_task(alike, task)
    losses = _losses(runs)
    if not losses:
        return NONE, NONE, NONE
    best, worst = (
        dev_losses(record for record in of_source if record.task == task)
        for of_source in (own[task], next(other for name, other in own.items() if name != task))
    )
    shares = [
        100 * (worst[draw(record)] - record.dev_loss) / (worst[draw(record)] - best[draw(record)])
        for record in runs
        if record.dev_loss is not None
        and draw(record) in best.keys() & worst.keys()
        and worst[draw(record)] > best[draw(record)]
    ]
    scores = [value for record in runs if (value := record.value(record.main_metrics[0])) is not None]
    return (
        mean_sd(estimate(losses), 3),
        f"{estimate(shares).mean:.0f}".replace("-", "−") if shares else NONE,
        mean_sd(estimate(scores), 1) if scores else NONE,
    )

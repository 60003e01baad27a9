"""What a user sees of a run: its first line, the table beside the paper's rows, examples, files, the next command.

Plain text where there is no terminal. Tables fit the width by splitting their columns into blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from prefixrun.analysis.comparability import Verdict, verdict
from prefixrun.analysis.paper_numbers import Row as PaperRow
from prefixrun.config.schema import TrainConfig
from prefixrun.console import (
    NONE,
    Column,
    Row,
    Section,
    Table,
    count,
    format_about,
    format_duration,
    print_labelled,
    print_table,
    terminal,
)
from prefixrun.results.display_names import SOURCES, TASKS, of_method_briefly, of_model
from prefixrun.runs.result_schema import stored_share
from prefixrun.runs.version import SEMANTICS

EXAMPLES_SHOWN = 3
EXAMPLE_CHARACTERS = 400
"""Longer texts (articles) are cut: they are in generations.jsonl."""


def opening_line(*, profile: str, model: str, data: str, device: str) -> str:
    """The first line of every run."""
    return f"profile {profile} · model {model} · data {data} · device {device}"


def recipe_line(recipe: str | None, variant: str | None, train: TrainConfig) -> str:
    """Where the training values come from that the command line does not give, the bundle of disagreements, and the
    two values that decide whether training goes well."""
    line = f"recipe {recipe or 'of your own'}" + (f" · variant {variant}" if variant else "")
    return f"{line} · learning rate {train.lr:g}, warm-up of {train.warmup_steps} steps"


def time_line(seconds: float | None, results_dir: str) -> str:
    """About how long the run will take, from the finished runs of a results directory, or when that will be known."""
    if seconds is None:
        return "time not known yet: no finished run is like this one; its first steps will tell"
    return f"about {format_about(seconds)}, as finished runs like it in {results_dir} took; processors differ"


def slow_line(pairs: int, seconds: float | None) -> str:
    """A warning that the paper's setting is made for a GPU."""
    time = f"about {format_about(seconds)}" if seconds is not None else "days or weeks"
    return (
        f"warning: profile=paper on a CPU: {pairs:,} training pairs pass through the model, which takes {time}; "
        "profile=laptop is made for a CPU"
    )


def finished_line(result: Mapping[str, Any]) -> str:
    """The line that stands above the closing of a run that was done before."""
    when = str(result["provenance"].get("time", ""))[:10]
    done = f"on {when}" if when else "before"
    line = f"run {result['run_id']} was finished {done}; it is shown as it is, nothing was computed"
    semantics = result["provenance"].get("semantics", SEMANTICS)
    if semantics == SEMANTICS:
        return line
    return (
        f"{line}. Its scores are those of semantics {semantics}: `prefixrun verify {result['run_id']}` says whether "
        f"they are others today (semantics {SEMANTICS}, see CHANGELOG.md)"
    )


def closing(
    result: Mapping[str, Any],
    rows: Sequence[PaperRow],
    examples: Iterable[Mapping[str, Any]],
    paths: Mapping[str, Path],
    next_command: str,
    *,
    all_rows: bool = False,
    console: Console | None = None,
) -> None:
    """Print a finished run.

    `result`: the content of result.json. `rows`: paper.rows(task, split=...). `examples`: records of generations.jsonl
    (`source`, `output`, `references`), of which the first three are shown. `paths`: description → file, all in one
    directory. `all_rows`: show all rows of the paper instead of the one that the run belongs beside.
    """
    console = console or terminal()
    judged = verdict(result, rows)
    metrics = score_columns(result["scores"], rows)
    console.print()
    shown_rows = tuple(rows) if all_rows else corresponding_rows(result, rows)
    sections = [_run_section(result, metrics, judged), *paper_sections(shown_rows, metrics)]
    print_table(score_table(metrics, sections), console=console, width=console.width)
    console.print()
    further = _unshown_rows(result, len(rows) - len(shown_rows))
    notes = (*_notes(result, metrics, judged), *further, *_dev_losses(result), _costs(result), *_forgetting(result))
    print_labelled(console, notes)
    for signature in signature_lines(result["scores"], metrics):
        console.print(Text(_shortened(signature, console.width), style="dim"), soft_wrap=True)
    _print_examples(console, list(examples), int(result["n_inputs"]))
    _print_paths(console, paths)
    console.print()
    console.print(Text("next: ", style="bold") + Text(next_command), soft_wrap=True)


def corresponding_rows(result: Mapping[str, Any], rows: Sequence[PaperRow]) -> tuple[PaperRow, ...]:
    """The rows that a run belongs beside: its method's (prefix-tuning's where the paper lacks it), of the published
    version, of its model where the paper has that, and of the share of parameters that is nearest to its own.

    None for a model with random weights, whose scores mean nothing.
    """
    if has_random_weights(result):
        return ()
    newest = [row for row in rows if row.version != "v1"]
    methods = {row.method for row in newest}
    method = result["method"] if result["method"] in methods else "prefix"
    of_method = [row for row in newest if row.method == method]
    models = [row.model for row in of_method]
    model = result["model"] if result["model"] in models else next(iter(models), None)
    candidates = [row for row in of_method if row.model == model]
    share = stored_share(result)
    nearest = sorted(candidates, key=lambda row: 0.0 if row.share is None else abs(row.share - share))
    return tuple(nearest[:1])


def has_random_weights(result: Mapping[str, Any]) -> bool:
    """Whether the backbone was never trained, so that scores say only that the program works."""
    return str(result.get("backbone", {}).get("sha256", "")).startswith("random:")


def _unshown_rows(result: Mapping[str, Any], unshown: int) -> list[tuple[str, str]]:
    if not unshown or has_random_weights(result):
        return []
    return [("paper", f"{count(unshown, 'further row')} for this task: add --all-rows to the command")]


def score_columns(scores: Iterable[str], rows: Sequence[PaperRow]) -> dict[str, int]:
    """The columns of scores: metric → decimals as the paper prints; without a paper, the scores there are with 2."""
    printed = {cell.metric: cell.decimals for row in rows for cell in row.cells}
    return printed or dict.fromkeys(scores, 2)


def score_table(metrics: Iterable[str], sections: Iterable[Section]) -> Table:
    """A table with a column for each metric; one named `BLEU/seen` gets a heading of two lines."""
    columns = (Column(name.replace("/", "\n"), is_number=True) for name in metrics)
    return Table((Column(), *columns), tuple(sections))


def score_row(label: str, texts: Mapping[str, str], metrics: Iterable[str], *, is_strong: bool = False) -> Row:
    """A row of score_table; `texts`: metric → score as shown."""
    return Row((label, *(texts.get(name, NONE) for name in metrics)), is_strong)


def _run_section(result: Mapping[str, Any], metrics: Mapping[str, int], judged: Verdict) -> Section:
    is_of_the_paper = result["task"] in TASKS
    source = SOURCES.get(result["data_source"], result["data_source"]) if is_of_the_paper else f"task {result['task']}"
    inputs = count(result["n_inputs"], f"{result['split']} input")
    heading = f"this run: {of_model(result['model'])}, {source}, {inputs}, seed {result['seed']}"
    values = {name: result["scores"].get(name, {}).get("value") for name in metrics}
    texts = {name: f"{value:.{metrics[name]}f}" for name, value in values.items() if value is not None}
    length = "" if result["prefix_len"] is None else f" {result['prefix_len']}"
    label = of_method_briefly(result["method"]) + length
    rows = [score_row(label, texts, metrics, is_strong=True)]
    if judged.row is not None:
        differences = {
            cell.metric: f"{value - cell.value:+.{metrics[cell.metric]}f}"
            for cell in judged.row.cells
            if (value := values.get(cell.metric)) is not None
        }
        rows.append(score_row("minus ACL's", differences, metrics, is_strong=True))
    return Section(tuple(rows), heading)


def paper_sections(rows: Sequence[PaperRow], metrics: Iterable[str]) -> list[Section]:
    """One section for each model and version; versions that agree in every cell of a model are one section."""
    sections = []
    metrics = list(metrics)
    for model, group in groupby(sorted(rows, key=lambda row: _rank(row, rows)), key=lambda row: row.model):
        versions: dict[str, tuple[Row, ...]] = {}
        lengths: dict[str, str] = {}
        for version, of_version in groupby(group, key=lambda row: row.version):
            version_rows = list(of_version)
            versions[version] = tuple(_paper_row(row, metrics) for row in version_rows)
            known = {row.prefix_len for row in version_rows if row.method == "prefix"}
            lengths[version] = f", prefix length {known.pop()}" if len(known) == 1 and None not in known else ""
        name = of_model(model) if model else "no pretrained model"
        if versions.get("v1") == versions.get("ACL"):
            sections.append(Section(versions["ACL"], f"paper, v1 and ACL alike: {name}{lengths['ACL']}"))
            continue
        sections += [Section(lines, f"paper, {v}: {name}{lengths[v]}") for v, lines in versions.items()]
    return sections


def _paper_row(row: PaperRow, metrics: Iterable[str]) -> Row:
    label = f"{of_method_briefly(row.method)} {row.params}".rstrip()
    return score_row(label, {cell.metric: cell.printed for cell in row.cells}, metrics)


def _rank(row: PaperRow, rows: Sequence[PaperRow]) -> tuple[int, bool, bool]:
    """Models in the paper's order, others' systems last, the published version before v1."""
    models = [other.model for other in rows]
    return models.index(row.model), row.method == "sota", row.version != "ACL"


def _notes(result: Mapping[str, Any], metrics: Mapping[str, int], judged: Verdict) -> list[tuple[str, str]]:
    notes = [("verdict", judged.text)]
    if has_random_weights(result):
        notes = [("verdict", "none: the model has random weights, so its scores say only that the program works")]
    if any(name.split("/")[0] == "TER" for name in metrics):
        notes.append(("TER", "counts errors: less is better"))
    notes += reasons(result["scores"])
    more = [
        f"{name} {score['value']:.2f}"
        for name, score in result["scores"].items()
        if name not in metrics and score["value"] is not None
    ]
    return [*notes, ("also", ", ".join(more))] if more else notes


def reasons(scores: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """One labelled text for each reason why scores have no value."""
    missing: dict[str, list[str]] = {}
    for name, score in scores.items():
        if score["value"] is None:
            missing.setdefault(score["reason"], []).append(name)
    return [("no value", f"{', '.join(names)}: {reason}") for reason, names in missing.items()]


def _dev_losses(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    history = result.get("training", {}).get("history", [])
    losses = [(entry["step"], entry["dev_loss"]) for entry in history if entry.get("dev_loss") is not None]
    if not losses:
        return []
    best = min(losses, key=lambda entry: entry[1])
    text = f"{losses[-1][1]:.3f} nats a token after {losses[-1][0]:,} steps"
    return [("dev loss", text if best[1] >= losses[-1][1] else f"{text}, lowest {best[1]:.3f} after {best[0]:,}")]


def _costs(result: Mapping[str, Any]) -> tuple[str, str]:
    costs, parameters = result["costs"], result["parameters"]
    parts = [f"{parameters['stored']:,} numbers stored ({stored_share(result):.3g} % of the model)"]
    if parameters["trained"] != parameters["stored"]:
        parts.append(f"{parameters['trained']:,} trained")
    parts += [
        f"{word} {format_duration(costs[key])}"
        for key, word in (("train_seconds", "training"), ("decode_seconds", "decoding"))
        if costs[key] is not None
    ]
    if costs["peak_memory_bytes"] is not None:
        parts.append(f"peak memory {costs['peak_memory_bytes'] / 2**30:.1f} GiB")
    return "costs", ", ".join(parts)


def _forgetting(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The loss on plain prose, of runs that have measured it."""
    if not (measured := result.get("forgetting")):
        return []
    before, after = measured["before"], measured["after"]
    return [("plain text", f"loss {after:.3f} nats a token, {before:.3f} without the method ({after - before:+.3f})")]


def signature_lines(scores: Mapping[str, Mapping[str, Any]], metrics: Iterable[str]) -> list[str]:
    """One line for each metric; the parts of WebNLG share theirs when they are scored alike."""
    lines = dict.fromkeys(f"{name.split('/')[0]}: {scores[name]['signature']}" for name in metrics if name in scores)
    return list(lines)


def _print_examples(console: Console, examples: Sequence[Mapping[str, Any]], n_inputs: int) -> None:
    shown = examples[:EXAMPLES_SHOWN]
    for number, example in enumerate(shown):
        console.print(Text(f"\nexample {number + 1} of {n_inputs:,}", style="bold"))
        references = example["references"]
        more = f" (1 of {len(references)})" if len(references) > 1 else ""
        texts = (
            ("input", _example_text(example["source"])),
            ("output", _example_text(example["output"])),
            ("reference", _example_text(references[0]) + more),
        )
        print_labelled(console, texts, indent=2, strong="output")


def _example_text(text: str) -> str:
    return _shortened(" ".join(text.split()), EXAMPLE_CHARACTERS) or "(empty)"


def _print_paths(console: Console, paths: Mapping[str, Path]) -> None:
    directory = next(iter(paths.values())).parent
    width = max(cell_len(path.name) for path in paths.values())
    console.print(Text(f"\nfiles in {_near(directory)}{os.sep}", style="bold"), soft_wrap=True)
    for text, path in paths.items():
        console.print(Text(f"  {set_cell_size(path.name, width)}  {text}"), soft_wrap=True)


def _near(path: Path) -> Path:
    """As a path below the current directory where it is one: shorter, and still right to copy."""
    return path.resolve().relative_to(Path.cwd()) if path.resolve().is_relative_to(Path.cwd()) else path


def _shortened(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"

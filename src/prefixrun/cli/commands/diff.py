"""prefixrun diff A B [examples=3] [results_dir=results] [data_dir=DIR] [json=FILE]

What sets two finished runs apart: settings, data and model, versions, costs, scores with the difference (B minus A),
its 95 % interval and the p-value of a paired test over the inputs that both share, and the outputs that differ most.

  A, B         runs by id (or as much of it as is unique) or directory
  examples     how many outputs to show, those whose own score changes most first; 0 for none (3)
  results_dir  directory with records/ and runs/ (results)
  data_dir     directory of the real corpora: the inputs and references of committed records, which keep outputs alone
  json         also write everything to this file

Scores made in different ways are not compared, nor those of runs that share no inputs. Interval and p come from the
stored counts and are about inputs; they say nothing about seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from prefixrun.cli.arguments import check_out, directory, path_of, results_dir, whole_number
from prefixrun.config.validate import shown
from prefixrun.console import NONE, count, print_labelled, print_table, print_text, simple_table, terminal
from prefixrun.errors import ConfigError
from prefixrun.files import canonical_json, write_json
from prefixrun.metrics import resampling
from prefixrun.results.diff import ChangedValue, RunDiff, ScoreChange, diff, other_corpus
from prefixrun.results.lookup import find
from prefixrun.results.output_diff import OutputDiff, output_diff
from prefixrun.results.record import Record

EXAMPLES, MOST_EXAMPLES = 3, 10**6
SECTIONS = (
    ("settings", "settings"),
    ("contents", "data and model"),
    ("environment", "versions"),
    ("costs", "parameters and costs"),
)


def run(arguments: dict[str, str]) -> int:
    """Print, and write when asked, what differs. Raises ConfigError, DataError, DamagedStateError. Returns 0."""
    shown_examples = whole_number("examples", arguments.get("examples", str(EXAMPLES)), 0, MOST_EXAMPLES)
    check_out(arguments)
    first, second = (find(results_dir(arguments), arguments[name]) for name in ("A", "B"))
    if first.directory == second.directory:
        raise ConfigError(f"{arguments['A']}, {arguments['B']}: both are run {first.run_id}; name two runs")
    run_diff = diff(first, second)
    data_dir = directory(arguments, "data_dir")
    examples = output_diff(first, second, run_diff.shared, data_dir) if shown_examples and run_diff.shared else None
    _show(first, second, run_diff)
    if examples is not None:
        _show_examples(examples, shown_examples)
    if out := path_of(arguments, "json"):
        write_json(out, {"A": first.run_id, "B": second.run_id, **_record(run_diff, examples, shown_examples)})
    return 0


def _show(first: Record, second: Record, run_diff: RunDiff) -> None:
    print_table(simple_table(("", "run", "finished"), [_run("A", first), _run("B", second)]))
    for name, title in SECTIONS:
        changed: Sequence[ChangedValue] = getattr(run_diff, name)
        rows = [(change.key, _value(change.first), _value(change.second)) for change in changed]
        _heading(title if rows else f"{title}: the same")
        if rows:
            print_table(simple_table(("", "A", "B"), rows))
    _heading(f"scores: {_inputs(first, second, run_diff)}")
    columns = ("", "A", "B", "B minus A", "95 % interval", "p")
    print_table(simple_table(columns, map(_score, run_diff.scores), numbers=range(1, len(columns))))
    reasons: dict[str, list[str]] = {}
    for score in run_diff.scores:
        if score.why_not:
            reasons.setdefault(score.why_not, []).append(score.name)
    for reason, names in reasons.items():
        print_text(f"not compared: {', '.join(names)}: {reason}")
    differences = [score.difference for score in run_diff.scores if score.difference]
    if any(difference.p_value is not None for difference in differences):
        print_text(f"p: approximate randomisation over inputs, {resampling.SAMPLES:,} trials; says nothing about seeds")
    if any(difference.p_value is None for difference in differences):
        print_text(f"no interval, no p: fewer than {resampling.FEWEST_INPUTS} inputs say nothing of others")


def _heading(text: str) -> None:
    terminal().print(Text(f"\n{text}", style="bold"), soft_wrap=True)


def _run(name: str, record: Record) -> tuple[str, str, str]:
    return name, record.directory.name, str(record.result["provenance"].get("time", NONE))[:16].replace("T", " ")


def _inputs(first: Record, second: Record, run_diff: RunDiff) -> str:
    if run_diff.whole and run_diff.shared:
        return f"both on the same {count(len(run_diff.shared), 'input')}"
    sizes = f"A has {first.result['n_inputs']:,}, B {second.result['n_inputs']:,}"
    if run_diff.shared:
        return f"differences over the {count(len(run_diff.shared), 'input')} that both share ({sizes})"
    return f"no input is shared: {other_corpus(first, second) or sizes}"


def _value(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, float):
        return f"{value:.6g}"
    return canonical_json(value) if isinstance(value, list | dict) else shown(value)


def _score(score: ScoreChange) -> tuple[str, ...]:
    values = [NONE if value is None else f"{value:.4f}" for value in (score.first, score.second)]
    if score.difference is None:
        return score.name, *values, NONE, NONE, NONE
    value, interval, p = score.difference.value, score.difference.interval, score.difference.p_value
    span = NONE if interval is None else f"[{interval.low:+.4f}, {interval.high:+.4f}]"
    return score.name, *values, f"{value:+.4f}", span, NONE if p is None else f"{p:.4f}"


def _show_examples(examples: OutputDiff, most: int) -> None:
    _heading(examples.summary)
    for note in examples.notes:
        print_text(note)
    for example in examples.changed[:most]:
        change = "" if example.change is None else f"  {examples.measure} {example.first:.2f} → {example.second:.2f}"
        print_text(f"\n{example.id}{change}")
        texts = [
            ("input", example.source),
            ("A", example.outputs[0] or "(empty)"),
            ("B", example.outputs[1] or "(empty)"),
        ]
        references = [("reference", example.references[0])] if example.references else []
        print_labelled(terminal(), [(label, text) for label, text in (*texts, *references) if text], indent=2)


def _record(run_diff: RunDiff, examples: OutputDiff | None, most: int) -> dict[str, Any]:
    changed = asdict(examples) if examples else None
    if changed is not None:
        changed["changed"] = changed["changed"][:most]
    return {**asdict(run_diff), "shared": len(run_diff.shared), "examples": changed}

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
from pathlib import Path
from typing import Any

from rich.text import Text

from prefixrun.config.validate import shown
from prefixrun.console import NONE, print_labelled, print_table, print_text, simple_table, terminal
from prefixrun.errors import ConfigError
from prefixrun.files import canonical_json, write_json
from prefixrun.metrics import resampling
from prefixrun.results.diff import Changed, RunDiff, ScoreChange, diff, other_corpus
from prefixrun.results.lookup import find
from prefixrun.results.output_diff import OutputDiff, output_diff
from prefixrun.results.records import Record

EXAMPLES = 3
SECTIONS = (
    ("settings", "settings"),
    ("contents", "data and model"),
    ("environment", "versions"),
    ("costs", "parameters and costs"),
)


def run(arguments: dict[str, str]) -> int:
    """Print, and write when asked, what differs. Raises ConfigError, DataError, DamagedStateError. Returns 0."""
    count = arguments.get("examples", str(EXAMPLES))
    if not (count.isascii() and count.isdigit()):
        raise ConfigError(f"examples={count}: must be a whole number, 0 for none")
    results_dir = Path(arguments.get("results_dir", "results")).expanduser()
    first, second = (find(results_dir, arguments[name]) for name in ("A", "B"))
    if first.directory == second.directory:
        raise ConfigError(f"{arguments['A']}, {arguments['B']}: both are run {first.run_id}; name two runs")
    data_dir = Path(arguments["data_dir"]).expanduser() if "data_dir" in arguments else None
    found = diff(first, second)
    examples = output_diff(first, second, found.shared, data_dir) if int(count) and found.shared else None
    _show(first, second, found)
    if examples is not None:
        _show_examples(examples, int(count))
    if "json" in arguments:
        record = {"A": first.run_id, "B": second.run_id, **_record(found, examples, int(count))}
        write_json(Path(arguments["json"]).expanduser(), record)
    return 0


def _show(first: Record, second: Record, found: RunDiff) -> None:
    print_table(simple_table(("", "run", "finished"), [_run("A", first), _run("B", second)]))
    for name, title in SECTIONS:
        changed: Sequence[Changed] = getattr(found, name)
        rows = [(each.key, _value(each.first), _value(each.second)) for each in changed]
        _heading(title if rows else f"{title}: the same")
        if rows:
            print_table(simple_table(("", "A", "B"), rows))
    _heading(f"scores: {_inputs(first, second, found)}")
    columns = ("", "A", "B", "B minus A", "95 % interval", "p")
    print_table(simple_table(columns, map(_score, found.scores), numbers=range(1, len(columns))))
    reasons: dict[str, list[str]] = {}
    for one in found.scores:
        if one.why_not:
            reasons.setdefault(one.why_not, []).append(one.name)
    for reason, names in reasons.items():
        print_text(f"not compared: {', '.join(names)}: {reason}")
    if any(one.difference for one in found.scores):
        print_text(f"p: approximate randomisation over inputs, {resampling.SAMPLES:,} trials; says nothing about seeds")


def _heading(text: str) -> None:
    terminal().print(Text(f"\n{text}", style="bold"), soft_wrap=True)


def _run(name: str, record: Record) -> tuple[str, str, str]:
    return name, record.directory.name, str(record.result["provenance"].get("time", NONE))[:16].replace("T", " ")


def _inputs(first: Record, second: Record, found: RunDiff) -> str:
    if found.whole and found.shared:
        return f"both on the same {len(found.shared):,} inputs"
    sizes = f"A has {first.result['n_inputs']:,}, B {second.result['n_inputs']:,}"
    if found.shared:
        return f"differences over the {len(found.shared):,} inputs that both share ({sizes})"
    return f"no input is shared: {other_corpus(first, second) or sizes}"


def _value(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, float):
        return f"{value:.6g}"
    return canonical_json(value) if isinstance(value, list | dict) else shown(value)


def _score(one: ScoreChange) -> tuple[str, ...]:
    values = [NONE if value is None else f"{value:.4f}" for value in (one.first, one.second)]
    if one.difference is None:
        return one.name, *values, NONE, NONE, NONE
    low, high = one.difference.interval.low, one.difference.interval.high
    return (
        one.name,
        *values,
        f"{one.difference.value:+.4f}",
        f"[{low:+.4f}, {high:+.4f}]",
        f"{one.difference.p_value:.4f}",
    )


def _show_examples(found: OutputDiff, count: int) -> None:
    _heading(found.summary)
    for note in found.notes:
        print_text(note)
    for each in found.changed[:count]:
        change = "" if each.change is None else f"  {found.measure} {each.first:.2f} → {each.second:.2f}"
        print_text(f"\n{each.id}{change}")
        texts = [("input", each.source), ("A", each.outputs[0] or "(empty)"), ("B", each.outputs[1] or "(empty)")]
        references = [("reference", each.references[0])] if each.references else []
        print_labelled(terminal(), [(label, text) for label, text in (*texts, *references) if text], indent=2)


def _record(found: RunDiff, examples: OutputDiff | None, count: int) -> dict[str, Any]:
    changed = asdict(examples) if examples else None
    if changed is not None:
        changed["changed"] = changed["changed"][:count]
    return {**asdict(found), "shared": len(found.shared), "examples": changed}

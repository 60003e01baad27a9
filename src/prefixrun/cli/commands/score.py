"""prefixrun score task=TASK hyp=FILE [refs=FILE] [split=test] [data_dir=DIR]
                [metrics=TASK|NAMES] [--config-dir CONF] [bootstrap=1000]
                [against=FILE2] [data.verify=off] [out=FILE.json]

The official scores of any system's output, with intervals, beside the paper's rows.

  task       e2e, e2e_cleaned, webnlg, webnlg_2020, dart, xsum, xsum_news_to_sports, xsum_within_news or an own one:
             whose references
  hyp        the outputs: one a line in the official order of the inputs (.txt), or one JSON object a line with the key
             "output" (.jsonl, such as the generations.jsonl of a run), matched by "id" where the lines have one and the
             references are the task's own; .gz behind either is read too, the E2E challenge's files with the columns
             MR and output, and standard input with hyp=-
  refs       the references, in the same order: a JSON list of lists of texts; reference0, reference1, ... (their
             directory, or the beginning of their names), a line an input; or a text file with blank lines between the
             inputs. Empty ones are dropped. Without it, those of the task
  split      part of the task's corpus that the outputs belong to: train, dev or test (test)
  data_dir   directory of the real corpora, holding TASK/; without it, the sample corpus that comes with the program
  data.verify  off: take the references from a corpus that is not a whole copy of the release
  metrics    e2e, webnlg, dart or xsum: which metrics, and how texts are prepared for them; or names of metrics with
             commas between them, such as BLEU,chrF,ROUGE-L; an own task needs it, here or in its file
  config_dir  (or --config-dir CONF) directory with task/TASK.yaml of an own task: its metrics, columns and parts
  out        also write the scores to this file
  bootstrap  draws of inputs behind the 95 % intervals, and trials of the paired test (1000); 0 leaves them out,
             and so do fewer than 20 inputs
  against    a second system's outputs for the same inputs: adds its scores, the differences (against minus hyp) with
             intervals, and the p-values of a paired test (approximate randomisation)

DART's outputs may follow either of its test files, that of 5,097 entries or that of 6,959 with entries without a text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from prefixrun.analysis import paper_numbers
from prefixrun.cli.arguments import check_out, path_of, whole_number
from prefixrun.cli.own_task import own_task
from prefixrun.cli.run_summary import paper_sections, reasons, score_columns, score_row, score_table, signature_lines
from prefixrun.config.task_settings import GENERATED_TASKS, TaskConfig
from prefixrun.console import Section, Table, count, print_labelled, print_table, terminal
from prefixrun.data import EXTRA_SPLITS, SCORED_AS, SPLITS, load
from prefixrun.errors import ConfigError
from prefixrun.files import write_json
from prefixrun.metrics import Evaluation, evaluate, resampling, suite
from prefixrun.metrics.reference_files import read_references
from prefixrun.metrics.suite import OF_ALL_INPUTS
from prefixrun.metrics.system_outputs import Outputs, Target, read_outputs

NUMBERS_SHOWN = 10
FEWEST_DRAWS, MOST_DRAWS = 100, 1_000_000
"""Below the first the ends of a 95 % interval are those of two or three draws; the second would take days."""

WITH_EMPTY_ENTRIES = {("dart", "test"): "test_6959"}
"""The split whose file also has the entries without a text, which some systems' files have lines for."""


@dataclass(frozen=True, slots=True)
class System:
    """One output file, scored."""

    role: str
    """The argument that named it."""
    path: Path
    evaluation: Evaluation
    intervals: Mapping[str, resampling.Interval]
    empty: tuple[int, ...]
    """1-based numbers of the inputs whose output is empty."""

    @property
    def scores(self) -> dict[str, dict[str, Any]]:
        """As in a run's result.json, with the interval where there is one."""
        content: dict[str, dict[str, Any]] = {}
        for name, score in self.evaluation.scores.items():
            content[name] = {"value": score.value, "signature": score.signature}
            if score.reason is not None:
                content[name]["reason"] = score.reason
            if name in self.intervals:
                content[name]["interval"] = asdict(self.intervals[name])
        return content


def run(arguments: dict[str, str]) -> int:
    """Score, print and, when asked, write. Raises ConfigError and DataError."""
    task = arguments["task"]
    task_config = own_task(arguments)
    metrics = _metrics(arguments, task_config)
    draws = _draws(arguments)
    split = _split(arguments)
    check_out(arguments, "hyp", "against", "refs")
    if [arguments.get(key) for key in ("hyp", "against", "refs")].count("-") > 1:
        raise ConfigError("-: standard input can be read once; name a file for the others of hyp, against and refs")
    files = {role: read_outputs(Path(arguments[role]).expanduser()) for role in ("hyp", "against") if role in arguments}
    target = _target(arguments, split, files.values(), task_config)
    few = 0 < len(target.references) < resampling.FEWEST_INPUTS and draws > 0
    draws = 0 if few else draws
    texts = {role: target.line_up(outputs) for role, outputs in files.items()}
    systems = [_scored(metrics, role, files[role].path, texts[role], target, draws) for role in files]
    differences: Mapping[str, resampling.Difference] = {}
    if len(systems) == 2 and draws:
        first, second = (system.evaluation.stats for system in systems)
        differences = resampling.differences(metrics, first, second, target.groups, samples=draws)
    has_papers_metrics = metrics == SCORED_AS.get(arguments["task"], arguments["task"])
    comparable = "data_dir" in arguments and _verify(arguments) and has_papers_metrics
    rows = paper_numbers.rows(task, split=split.partition("_")[0]) if comparable else ()
    unread = [outputs.path.name for outputs in files.values() if outputs.ids and not target.ids]
    _show(terminal(), target, systems, differences, draws, rows, few=few, unread=unread)
    if out := path_of(arguments, "out"):
        source = _source(arguments, task_config)
        write_json(out, _record(arguments, source, split, len(target.references), systems, differences, draws))
    return 0


def _metrics(arguments: Mapping[str, str], task_config: TaskConfig | None) -> str:
    """What the outputs are scored as; what is no choice of metrics is refused before anything is read."""
    task = arguments["task"]
    metrics = arguments.get("metrics") or (task_config.scored_as if task_config else SCORED_AS.get(task, task))
    suite(metrics, "metrics" if "metrics" in arguments else "task")
    return metrics


def _draws(arguments: Mapping[str, str]) -> int:
    number = whole_number("bootstrap", arguments.get("bootstrap", str(resampling.SAMPLES)), 0, MOST_DRAWS)
    if 0 < number < FEWEST_DRAWS:
        raise ConfigError(f"bootstrap={number}: is no number of draws; 0 for none, or {FEWEST_DRAWS} to {MOST_DRAWS:,}")
    return number


def _split(arguments: Mapping[str, str]) -> str:
    if "refs" in arguments and {"data_dir", "split", "data.verify"} & set(arguments):
        raise ConfigError(f"refs={arguments['refs']}: data_dir and split name references too; give one or the other")
    if arguments.get("data.verify", "on") not in ("on", "off"):
        raise ConfigError(f"data.verify={arguments['data.verify']}: there are on, off")
    split = arguments.get("split", "test")
    known = (*SPLITS, *EXTRA_SPLITS.get(arguments["task"], ()))
    if split not in known:
        raise ConfigError(f"split={split}: there are {', '.join(known)}")
    return split


def _target(
    arguments: Mapping[str, str], split: str, files: Iterable[Outputs], task_config: TaskConfig | None = None
) -> Target:
    """The references: of the file that was given, or the task's own."""
    if file := path_of(arguments, "refs"):
        names = ", ".join(Path(name).name for name in arguments["refs"].split(","))
        return Target(f"references of {names}", read_references(file))
    task = task_config.name if task_config else arguments["task"]
    root = path_of(arguments, "data_dir")
    verify = _verify(arguments)
    corpus = load(task, split, root, verify=verify, config=task_config)
    longer = WITH_EMPTY_ENTRIES.get((task, split))
    if longer and any(len(outputs.texts) == int(longer.rpartition("_")[2]) for outputs in files):
        corpus = load(task, longer, root, verify=verify)
    examples = corpus.examples
    is_sample = _source(arguments, task_config) == "sample"
    sample = ", the sample corpus: data_dir=DIR names the real one" if is_sample else ""
    return Target(
        origin=f"{task} {split}{sample}" + ("" if verify else ", not verified to be the release"),
        references=[example.references for example in examples],
        groups=[example.group for example in examples],
        sources=[example.source for example in examples],
        ids=tuple(example.id for example in examples),
        left_out=tuple(p for skipped in corpus.skipped if skipped.whole for p in skipped.positions),
    )


def _source(arguments: Mapping[str, str], task_config: TaskConfig | None) -> str:
    """What the references are of: ``refs`` or ``data_dir``, or where neither is given, what takes their place."""
    if "refs" in arguments:
        return "refs"
    if arguments["task"] in GENERATED_TASKS:
        return "generated"
    if task_config and task_config.dataset:
        return "dataset"
    return "data_dir" if "data_dir" in arguments else "sample"


def _verify(arguments: Mapping[str, str]) -> bool:
    return arguments.get("data.verify", "on") == "on"


def _scored(metrics: str, role: str, path: Path, texts: Sequence[str], target: Target, draws: int) -> System:
    evaluation = evaluate(metrics, texts, target.references, target.groups, target.sources)
    intervals = resampling.intervals(metrics, evaluation.stats, target.groups, samples=draws) if draws else {}
    empty = tuple(number for number, text in enumerate(texts, start=1) if not text.strip())
    return System(role, path, evaluation, intervals, empty)


def _show(
    console: Console,
    target: Target,
    systems: Sequence[System],
    differences: Mapping[str, resampling.Difference],
    draws: int,
    rows: Sequence[paper_numbers.Row],
    *,
    few: bool,
    unread: Sequence[str],
) -> None:
    """unread: files whose ids the references do not have."""
    first, *others = systems
    against = "".join(f", against {other.path.name}" for other in others)
    heading = f"{first.path.name}{against}: {count(len(target.references), 'output')}, {target.origin}"
    console.print(Text(heading, style="bold"), soft_wrap=True)
    for table in (_scores_table(systems, differences), *([_paper_table(systems, rows)] if rows else [])):
        print_table(table, console=console, width=console.width)
        console.print()
    none = "none, and no p-value" if others else "none"
    why = [("interval", f"{none}: fewer than {resampling.FEWEST_INPUTS} inputs say nothing of others")] if few else []
    if unread:
        why.append(("ids", f"{', '.join(unread)}: not read; its lines are taken in the order of the references"))
    print_labelled(console, [*why, *_notes(systems, differences, draws)])
    for signature in signature_lines(first.scores, first.scores):
        console.print(Text(signature, style="dim"), soft_wrap=True)


def _scores_table(systems: Sequence[System], differences: Mapping[str, resampling.Difference]) -> Table:
    """One line a score: what each system has, and what lies between them."""
    lines: dict[str, dict[str, str]] = {}
    for name in systems[0].evaluation.scores:
        texts = lines.setdefault(name, {})
        for system in systems:
            prefix = f"{system.role}/" if len(systems) > 1 else ""
            value = system.evaluation.scores[name].value
            if value is not None:
                texts[f"{prefix}score"] = f"{value:.4f}"
            if name in system.intervals:
                texts[f"{prefix}95 % interval"] = _interval(system.intervals[name])
        if name in differences:
            difference = differences[name]
            texts["difference/score"] = f"{difference.value:+.4f}"
            if difference.interval is not None and difference.p_value is not None:
                texts["difference/95 % interval"] = _interval(difference.interval)
                texts["difference/p"] = f"{difference.p_value:.4f}"
    columns = list(dict.fromkeys(column for texts in lines.values() for column in texts))
    rows = (score_row(name, texts, columns) for name, texts in lines.items())
    return score_table(columns, [Section(tuple(rows))])


def _interval(interval: resampling.Interval) -> str:
    decimals = 2 if abs(interval.high) >= 10 else 4
    return f"[{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"


def _paper_table(systems: Sequence[System], rows: Sequence[paper_numbers.Row]) -> Table:
    """The systems above the paper's rows, in the digits that the paper prints."""
    metrics = score_columns((), rows)
    scored = []
    for system in systems:
        scores = system.evaluation.scores
        values = {name: scores[name].value for name in metrics if name in scores}
        shown = {name: f"{value:.{metrics[name]}f}" for name, value in values.items() if value is not None}
        scored.append(score_row(system.path.name, shown, metrics, is_strong=True))
    return score_table(metrics, [Section(tuple(scored), "scored here"), *paper_sections(rows, metrics)])


def _notes(
    systems: Sequence[System], differences: Mapping[str, resampling.Difference], draws: int
) -> list[tuple[str, str]]:
    notes = []
    if any(system.intervals for system in systems):
        how = f"bootstrap over inputs, {draws:,} draws: what other inputs would change; says nothing about seeds"
        notes.append(("interval", how))
        scores = systems[0].evaluation.scores.items()
        without = [name for name, score in scores if score.value is not None and name not in systems[0].intervals]
        apart = [name.partition("/") for name in without]
        if small := ", ".join(sorted({part for name, _, part in apart if name not in OF_ALL_INPUTS})):
            notes.append(("", f"none for {small}: fewer than {resampling.FEWEST_INPUTS} inputs say nothing of others"))
        if whole := ", ".join(dict.fromkeys(name for name, _, _ in apart if name in OF_ALL_INPUTS)):
            notes.append(("", f"none for {whole} of a part: what an n-gram weighs comes from all inputs"))
    if differences:
        how = f"approximate randomisation, {draws:,} trials, two-sided, one score at a time"
        notes.append(("p", f"{how}; the difference is against minus hyp"))
    if any(name.split("/")[0] == "TER" for name in systems[0].evaluation.scores):
        notes.append(("TER", "counts errors: less is better"))
    notes += reasons(systems[0].scores)
    for system in systems:
        if system.empty:
            which = ", ".join(map(str, system.empty[:NUMBERS_SHOWN]))
            more = ", ..." if len(system.empty) > NUMBERS_SHOWN else ""
            notes.append(("empty", f"{system.path.name}: {len(system.empty)}, scored as such; inputs {which}{more}"))
    return notes


def _record(
    arguments: Mapping[str, str],
    source: str,
    split: str,
    n_inputs: int,
    systems: Sequence[System],
    differences: Mapping[str, resampling.Difference],
    draws: int,
) -> dict[str, Any]:
    """What ``out`` holds: the object ``scores`` as in a run's result.json, what was scored, and how it was compared."""
    first, *others = systems
    record: dict[str, Any] = {
        "task": arguments["task"],
        "split": None if source == "refs" else split,
        "n_inputs": n_inputs,
        "n_empty": len(first.empty),
        "references": source,
        "bootstrap": {"draws": draws, "level": resampling.LEVEL, "seed": resampling.SEED},
        "scores": first.scores,
    }
    if not _verify(arguments):
        record["verified"] = False
    for other in others:
        record["against"] = {"scores": other.scores, "n_empty": len(other.empty)}
        record["differences"] = {name: asdict(difference) for name, difference in differences.items()}
    return record

"""What the runs of experiment=open_* say about the paper's open questions, a table each (docs/OPEN_QUESTIONS.md).

Losses are on development pairs, in nats a target token: the number that varies least between seeds. Differences are of
runs with equal seeds, which see the same pairs in the same order, with Student's 95 % interval over the seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import inf

from prefixrun.analysis.arms import Arm
from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.group_labels import decoding_text, labels
from prefixrun.analysis.groups import RunGroup, run_groups, split_by
from prefixrun.analysis.table_format import mean_sd, signed
from prefixrun.analysis.text_table import markdown
from prefixrun.config.setting_roles import is_among, outside_identity, repeats
from prefixrun.console import NONE, Table, simple_table
from prefixrun.data.generated import TASKS as GENERATED
from prefixrun.results import display_names
from prefixrun.results.records import Record

AFTER_TRAINING = ("decode.", "test_size", "eval_split")
"""Settings that leave a trained prefix and its development loss as they are."""

OF_A_METHOD = (
    *("method.", "init.", "init_words", "prefix_len", "budget", "train.lr"),
    *("model.layers", "model.name", "model.architecture"),
)
"""Settings in which methods and depths differ that have equal training."""

BySeed = Mapping[int, float]


def page(records: Sequence[Record]) -> str:
    """All tables as Markdown; empty where no record speaks to a question."""
    tables = [*_lengths(records), *_combinations(records), *_capacity(records), *_depths(records)]
    intro = (
        "# Open questions\n\nWhat the runs of `experiment=open_length`, `open_combine`, `open_capacity` and "
        "`open_scale` say; docs/OPEN_QUESTIONS.md has the questions. Losses are on development pairs, in nats a token, "
        "mean ± standard deviation over seeds; differences are over pairs of equal seeds, with 95 % intervals. Written "
        "by `prefixrun tables`.\n"
    )
    return "\n".join((intro, *(markdown(table) for table in tables))) if tables else ""


def _lengths(records: Sequence[Record]) -> Iterator[Table]:
    """Nested training at each length, beside trainings at that length alone."""
    varied = ("prefix_len", "method.nested")
    nested = [record for record in records if record.losses_by_length]
    for alike in split_by(nested, lambda record: (record.prefix_len, _training(record, *varied))):
        trained_alike = _alike(records, alike[0], varied)
        single = [record for record in trained_alike if not record.settings.get("method.nested")]
        losses: dict[int, dict[int, float]] = {}
        for record in alike:
            for length, loss in record.losses_by_length.items():
                losses.setdefault(length, {})[record.seed] = loss
        rows = []
        for length, of_nested in sorted(losses.items()):
            of_single = _dev_losses(record for record in single if record.prefix_len == length)
            rows.append((str(length), *_beside(of_nested, of_single)))
        yield simple_table(
            ("length", "runs", "nested", "alone", "nested minus alone [95 %]"),
            rows,
            numbers=range(5),
            title=f"Length without a sweep: {_where(alike[0])}, nested training of length {alike[0].prefix_len}",
            notes=["The first positions of one prefix, beside prefixes of that length alone."],
        )


def _combinations(records: Sequence[Record]) -> Iterator[Table]:
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
                    yield _combination_table(of_both, own, length)


def _combination_table(records: Sequence[Record], own: Mapping[str, Sequence[Record]], length: str) -> Table:
    """Of two tasks; `own`: the runs of the prefix of each alone, on both tasks."""
    rows = []
    for alike in sorted(split_by(records, _combination), key=lambda alike: _combination(alike[0])):
        cells = [cell for task in own for cell in _kept(alike, own, task)]
        rows.append((_combination(alike[0])[1], *cells))
    scores = {record.task: _metric(record).partition("/")[0] for record in records}
    headings = (f"{display_names.of_task(task)}: {what}" for task in own for what in ("loss", "kept, %", scores[task]))
    inputs = " or ".join(map(str, sorted({record.result["n_inputs"] for record in records})))
    decoding = " or ".join(dict.fromkeys(decoding_text(record) for record in records))
    return simple_table(
        ("prefix", *headings),
        rows,
        numbers=range(1, 7),
        title=f"Combining: {display_names.of_model(records[0].model)}{length}",
        notes=[
            "Kept: 100 is the loss of the task's own prefix, 0 that of the other task's, mean over seeds. "
            f"{' and '.join(dict.fromkeys(scores.values()))}: of {inputs} inputs, {decoding}."
        ],
    )


def _sources(record: Record) -> list[str]:
    """The tasks of the runs that a combination is made of; none where its record does not name them."""
    named = record.settings.get("method.sources")
    return str(named).split("+") if named else []


def _length_of_sources(record: Record) -> float:
    """Of each prefix of a combination."""
    length = float(record.settings["prefix_len"])
    return length / len(_sources(record)) if record.settings.get("method.combine") == "concatenate" else length


def _metric(record: Record) -> str:
    """The first main metric of a run's task."""
    return display_names.main_metrics(record.scored_as, record.result["scores"])[0]


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


def _kept(alike: Sequence[Record], own: Mapping[str, Sequence[Record]], task: str) -> tuple[str, str, str]:
    """Loss, share of what the task's own prefix gains over that of the other task, and score, on one of both tasks.

    There is no share where the own prefix gains nothing.
    """
    runs = [record for record in alike if record.task == task]
    losses = [record.dev_loss for record in runs if record.dev_loss is not None]
    if not losses:
        return NONE, NONE, NONE
    best, worst = (
        _dev_losses(record for record in of_source if record.task == task)
        for of_source in (own[task], next(other for name, other in own.items() if name != task))
    )
    shares = [
        100 * (worst[record.seed] - record.dev_loss) / (worst[record.seed] - best[record.seed])
        for record in runs
        if record.dev_loss is not None
        and record.seed in best.keys() & worst.keys()
        and worst[record.seed] > best[record.seed]
    ]
    scores = [value for record in runs if (value := record.value(_metric(record))) is not None]
    return (
        mean_sd(estimate(losses), 3),
        f"{estimate(shares).mean:.0f}".replace("-", "−") if shares else NONE,
        mean_sd(estimate(scores), 1) if scores else NONE,
    )


def _capacity(records: Sequence[Record]) -> Iterator[Table]:
    """Exact match on the generated tasks, by method."""
    groups = [group for group in run_groups(records) if group.first.task in GENERATED]
    for alike in split_by(groups, lambda group: (group.first.model, group.first.result["n_inputs"], group.precision)):
        tasks = [task for task in GENERATED if any(group.first.task == task for group in alike)]
        by_name: dict[str, dict[str, str]] = {}
        for of_task in split_by(alike, lambda group: group.first.task):
            for group, name in labels(of_task).items():
                exact = group.estimate("EM")
                text = NONE if exact is None else f"{mean_sd(exact, 1)} ({len(group.runs)})"
                by_name.setdefault(name, {})[group.first.task] = text
        yield simple_table(
            ("", *map(display_names.of_task, tasks)),
            [(name, *(cells.get(task, NONE) for task in tasks)) for name, cells in by_name.items()],
            numbers=range(1, len(tasks) + 1),
            title=f"Enough parameters? Exact match in %: {display_names.of_model(alike[0].first.model)}",
            notes=["In brackets the number of seeds."],
        )


def _depths(records: Sequence[Record]) -> Iterator[Table]:
    """Development loss by the depth of the model, and what prefix-tuning lacks to the other methods there."""
    probes = [record for record in records if record.settings.get("model.layers") is not None]
    for alike in split_by(probes, lambda record: (_whole_model(record), _training(record, *OF_A_METHOD))):
        groups = [
            group
            for group in run_groups(_alike(records, alike[0], OF_A_METHOD))
            if _whole_model(group.first) == _whole_model(alike[0])
        ]
        rows = []
        for of_depth in sorted(split_by(groups, _layers), key=lambda groups: _layers(groups[0])):
            arms = [arm.select_group(of_depth) for arm in (Arm("prefix"), Arm("adapter", share=0.1), Arm("finetune"))]
            prefix, adapter, finetune = (_dev_losses(arm.runs if arm else ()) for arm in arms)
            seeds = prefix.keys() & adapter.keys() & finetune.keys()
            if seeds:
                layers = of_depth[0].first.settings.get("model.layers")
                losses = (estimate([each[seed] for seed in seeds]) for each in (prefix, adapter, finetune))
                rows.append(
                    (
                        "all" if layers is None else f"first {layers}",
                        str(len(seeds)),
                        *(mean_sd(each, 3) for each in losses),
                        *(_difference(prefix, each) for each in (adapter, finetune)),
                    )
                )
        if not rows:
            continue
        headings = ("layers", "runs", "prefix-tuning", "adapter 0.1 %", "fine-tuning")
        yield simple_table(
            (*headings, "prefix minus adapter [95 %]", "prefix minus fine-tuning [95 %]"),
            rows,
            numbers=range(1, 7),
            title=f"Scale, a probe of depth: {_where(alike[0])}",
        )


def _whole_model(record: Record) -> str:
    return record.model.removesuffix(f"_first{record.settings.get('model.layers')}")


def _layers(group: RunGroup) -> float:
    return float(group.first.settings.get("model.layers") or inf)


def _training(record: Record, *varied: str) -> tuple[object, ...]:
    """Equal for runs that were trained alike: all settings but `varied`, seeds, and what comes after training."""
    ignored = (*varied, *AFTER_TRAINING, *repeats(), *outside_identity())
    settings = sorted((key, repr(value)) for key, value in record.settings.items() if not is_among(key, ignored))
    return record.task, record.n_train, *settings


def _alike(records: Sequence[Record], first: Record, varied: Sequence[str]) -> list[Record]:
    key = _training(first, *varied)
    return [record for record in records if _training(record, *varied) == key]


def _where(record: Record) -> str:
    task, model = display_names.of_task(record.task), display_names.of_model(_whole_model(record))
    return f"{task}, {model}, {record.seen:,} of {record.n_train:,} pairs"


def _dev_losses(records: Iterable[Record]) -> dict[int, float]:
    return {record.seed: record.dev_loss for record in records if record.dev_loss is not None}


def _beside(losses: BySeed, others: BySeed) -> tuple[str, str, str, str]:
    """Number of pairs of equal seeds, both losses and their difference; without such pairs the first loss alone."""
    seeds = sorted(losses.keys() & others.keys())
    if not seeds:
        return str(len(losses)), mean_sd(estimate([*losses.values()]), 3), NONE, NONE
    mean, other = (mean_sd(estimate([each[seed] for seed in seeds]), 3) for each in (losses, others))
    return str(len(seeds)), mean, other, _difference(losses, others)


def _difference(first: BySeed, second: BySeed) -> str:
    """The first minus the second over the seeds of both."""
    found = estimate([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])
    if found.low is None or found.high is None:
        return signed(found.mean, 3)
    return f"{signed(found.mean, 3)} [{signed(found.low, 3)}, {signed(found.high, 3)}]"

"""What the runs of experiment=open_* say about the paper's open questions: a table and a picture each, see
docs/OPEN_QUESTIONS.md.

Losses are on development pairs, in nats a target token: the number that varies least between seeds. Differences are of
runs with equal seeds, which see the same pairs in the same order, with Student's 95 % interval over the seeds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

from prefixrun.analysis.arms import Arm, Draw, draw
from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.group_labels import labels
from prefixrun.analysis.groups import RunGroup, run_groups, split_by
from prefixrun.analysis.open_answers import DOTS, LOSS, Answer, BySeed, dev_losses, picture_name, whole_model
from prefixrun.analysis.open_combinations import combined_prefixes
from prefixrun.analysis.open_plots import Picture, Series, fingerprint
from prefixrun.analysis.table_format import mean_sd, with_interval
from prefixrun.analysis.text_table import markdown
from prefixrun.console import NONE, simple_table
from prefixrun.data.generated import TASKS as GENERATED
from prefixrun.results import display_names
from prefixrun.results.record import Record

AFTER_TRAINING = ("decode.", "test_size")
"""Settings that leave a trained prefix and its development loss as they are."""

OF_A_METHOD = (
    *("method.", "init.", "init_words", "prefix_len", "budget", "train.lr"),
    *("model.layers", "model.name", "model.architecture"),
)
"""Settings in which methods and depths differ that have equal training."""


def answers(records: Sequence[Record]) -> list[Answer]:
    """Those of all questions that some record speaks to."""
    return [*_lengths(records), *combined_prefixes(records), *_capacity(records), *_depths(records)]


def pictures(of_questions: Sequence[Answer]) -> list[Picture]:
    """Those of the answers; what would share a name has a part of its fingerprint in it."""
    drawn = [answer.picture for answer in of_questions]
    names = [picture.name for picture in drawn]
    return [
        replace(picture, name=f"{picture.name}-{fingerprint(picture)[:6]}")
        if names.count(picture.name) > 1
        else picture
        for picture in drawn
    ]


def page(of_questions: Sequence[Answer]) -> str:
    """All tables as Markdown; empty without answers."""
    tables = [answer.table for answer in of_questions]
    intro = (
        "# Open questions\n\nWhat the runs of `experiment=open_length`, `open_combine`, `open_capacity` and "
        "`open_scale` say; docs/OPEN_QUESTIONS.md has the questions. Losses are on development pairs, in nats a token, "
        "mean ± standard deviation over seeds; differences are over pairs of equal seeds, with 95 % intervals. Written "
        "by `prefixrun tables`.\n"
    )
    return "\n".join((intro, *(markdown(table) for table in tables))) if tables else ""


def _lengths(records: Sequence[Record]) -> Iterator[Answer]:
    """Nested training at each length, beside trainings at that length alone."""
    varied = ("prefix_len", "method.nested")
    nested = [record for record in records if record.losses_by_length]
    for alike in split_by(nested, lambda record: (record.prefix_len, _training(record, *varied))):
        trained_alike = _alike(records, alike[0], varied)
        losses: dict[int, dict[Draw, float]] = {}
        for record in sorted(alike, key=draw):
            for length, loss in record.losses_by_length.items():
                losses.setdefault(length, {})[draw(record)] = loss
        lengths = sorted(losses)
        alone = {length: _of_one_length(trained_alike, length, losses[length].keys()) for length in lengths}
        title = f"Length without a sweep: {_where(alike[0])}, nested training of length {alike[0].prefix_len}"
        note = "The first positions of one prefix, beside prefixes of that length alone."
        yield Answer(
            simple_table(
                ("length", "runs", "nested", "alone", "nested minus alone [95 %]"),
                [(str(length), *_beside(losses[length], alone[length])) for length in lengths],
                numbers=range(5),
                title=title,
                notes=[note],
            ),
            Picture(
                name=picture_name("length", alike[0], f"{alike[0].prefix_len}"),
                title=title,
                caption=f"{note} {DOTS}",
                places=tuple(map(str, lengths)),
                place_label="prefix length",
                panels=(
                    (
                        LOSS,
                        (
                            _series("nested", losses, lengths),
                            _series("at that length alone", alone, lengths, dashed=True),
                        ),
                    ),
                ),
            ),
        )


def _of_one_length(records: Sequence[Record], length: int, draws: Collection[Draw]) -> dict[Draw, float]:
    """The losses of trainings with these seeds and subsamples at this length alone."""
    single = (record for record in records if record.prefix_len == length and not record.settings.get("method.nested"))
    return dev_losses(record for record in single if draw(record) in draws)


def _series(label: str, by_length: Mapping[int, BySeed], lengths: Sequence[int], *, dashed: bool = False) -> Series:
    points = ((place, tuple(by_length[length].values())) for place, length in enumerate(lengths))
    return Series(label, "prefix", tuple((place, values) for place, values in points if values), dashed)


def _capacity(records: Sequence[Record]) -> Iterator[Answer]:
    """Exact match on the generated tasks, by method."""
    groups = [group for group in run_groups(records) if group.first.task in GENERATED]
    for alike in split_by(groups, lambda group: (group.first.model, group.first.result["n_inputs"], group.precision)):
        tasks = [task for task in GENERATED if any(group.first.task == task for group in alike)]
        named = {
            group: name
            for of_task in split_by(alike, lambda group: group.first.task)
            for group, name in labels(of_task).items()
        }
        by_name: dict[str, dict[str, RunGroup]] = {}
        for of_settings in split_by(alike, lambda group: _settings(group.first, "task.", "test_size")):
            # A method with several learning rates on one task has its learning rate in its name on all of them.
            name = max((named[group] for group in of_settings), key=len)
            if name in by_name:  # where each has a task of its own
                name = f"{name}, point of run {of_settings[0].first.run_id}"
            by_name[name] = {group.first.task: group for group in of_settings}
        first = alike[0].first
        title = f"Enough parameters? Exact match in %: {display_names.of_model(first.model)}"
        yield Answer(
            simple_table(
                ("", *map(display_names.of_task, tasks)),
                [(name, *(_exact(of.get(task)) for task in tasks)) for name, of in by_name.items()],
                numbers=range(1, len(tasks) + 1),
                title=title,
                notes=["In brackets the number of seeds."],
            ),
            Picture(
                name=picture_name("capacity", first, f"{first.result['n_inputs']}inputs", with_task=False),
                title=title,
                caption=f"Exact match of {first.result['n_inputs']} test inputs. {DOTS}",
                places=tuple(by_name),
                place_label="",
                panels=tuple(
                    (
                        f"{display_names.of_task(task)} (%)",
                        tuple(
                            Series(name, of[task].method, ((row, tuple(of[task].values("EM"))),))
                            for row, (name, of) in enumerate(by_name.items())
                            if task in of and of[task].values("EM")
                        ),
                    )
                    for task in tasks
                ),
                score="EM",
            ),
        )


def _exact(group: RunGroup | None) -> str:
    """Mean, spread and number of runs."""
    exact = None if group is None else group.estimate("EM")
    return NONE if exact is None else f"{mean_sd(exact, 1)} ({exact.n})"


def _depths(records: Sequence[Record]) -> Iterator[Answer]:
    """Development loss by the depth of the model, and what prefix-tuning lacks to the other methods there."""
    probes = [record for record in records if record.settings.get("model.layers") is not None]
    for alike in split_by(probes, lambda record: (whole_model(record), _training(record, *OF_A_METHOD))):
        lengths = {None, *(record.prefix_len for record in alike)}
        groups = [
            group
            for group in run_groups(_alike(records, alike[0], OF_A_METHOD))
            if whole_model(group.first) == whole_model(alike[0]) and group.first.prefix_len in lengths
        ]
        rows, depths = [], []
        for of_depth in sorted(split_by(groups, _layers), key=lambda groups: _layers(groups[0])):
            arms = [arm.select_group(of_depth) for arm in (Arm("prefix"), Arm("adapter", share=0.1), Arm("finetune"))]
            of_arms = [dev_losses(arm.runs if arm else ()) for arm in arms]
            seeds = sorted(set.intersection(*map(set, of_arms)))
            if seeds:
                layers = of_depth[0].first.settings.get("model.layers")
                prefix, *others = ({seed: of_arm[seed] for seed in seeds} for of_arm in of_arms)
                losses = [[*of_arm.values()] for of_arm in (prefix, *others)]
                depths.append(losses)
                rows.append(
                    (
                        "all" if layers is None else f"first {layers}",
                        str(len(seeds)),
                        *(mean_sd(estimate(of_arm), 3) for of_arm in losses),
                        *(_difference(prefix, of_arm) for of_arm in others),
                    )
                )
        if not rows:
            continue
        names = {"prefix": "prefix-tuning", "adapter": "adapter 0.1 %", "finetune": "fine-tuning"}
        headings = ("layers", "runs", *names.values())
        title = f"Scale, a probe of depth: {_where(alike[0])}"
        series = tuple(
            Series(name, method, tuple((place, tuple(losses[number])) for place, losses in enumerate(depths)))
            for number, (method, name) in enumerate(names.items())
        )
        yield Answer(
            simple_table(
                (*headings, "prefix minus adapter [95 %]", "prefix minus fine-tuning [95 %]"),
                rows,
                numbers=range(1, 7),
                title=title,
            ),
            Picture(
                name=picture_name("scale", alike[0]),
                title=title,
                caption=f"The loss of each method with the first layers of the model, and with all. {DOTS}",
                places=tuple(layers for layers, *_ in rows),
                place_label="layers",
                panels=((LOSS, series),),
            ),
        )


def _layers(group: RunGroup) -> float:
    return float(group.first.settings.get("model.layers") or inf)


def _training(record: Record, *varied: str) -> tuple[object, ...]:
    """Equal for runs that were trained alike: all settings but `varied`, seeds, and what comes after training."""
    return record.task, *_settings(record, *varied, *AFTER_TRAINING)


def _settings(record: Record, *varied: str) -> tuple[object, ...]:
    """The number of pairs, and all settings but `varied` and seeds."""
    return record.n_train, *sorted((key, repr(value)) for key, value in record.settings_except(*varied).items())


def _alike(records: Sequence[Record], first: Record, varied: Sequence[str]) -> list[Record]:
    key = _training(first, *varied)
    return [record for record in records if _training(record, *varied) == key]


def _where(record: Record) -> str:
    task, model = display_names.of_task(record.task), display_names.of_model(whole_model(record))
    return f"{task}, {model}, {record.seen:,} of {record.n_train:,} pairs"


def _beside(losses: BySeed, others: BySeed) -> tuple[str, str, str, str]:
    """Number of pairs of equal seeds, both losses and their difference; without such pairs the first loss alone."""
    seeds = sorted(losses.keys() & others.keys())
    if not seeds:
        return str(len(losses)), mean_sd(estimate([*losses.values()]), 3), NONE, NONE
    mean, other = (mean_sd(estimate([of_arm[seed] for seed in seeds]), 3) for of_arm in (losses, others))
    return str(len(seeds)), mean, other, _difference(losses, others)


def _difference(first: BySeed, second: BySeed) -> str:
    """The first minus the second over the seeds of both."""
    return with_interval(estimate([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]), 3)

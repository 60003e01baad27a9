"""Finished runs whose prefix is read: everything that is measured of one, and how much several agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from prefixrun.config.method_specs import METHOD_SPECS, MethodSpec, spec_of
from prefixrun.data.run_data import DEV_SEED, RunData
from prefixrun.data.subset import choose, choose_examples
from prefixrun.errors import ConfigError, DataError
from prefixrun.methods.init import initial_ids
from prefixrun.methods.prefix import Prefix
from prefixrun.models.batches import PairIds, Row, tokenise
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.results.inspection.agreement import Agreement, ComparedRun, agreement
from prefixrun.results.inspection.attention_shares import SiteAttention, attention_shares
from prefixrun.results.inspection.candidates import candidates
from prefixrun.results.inspection.losses import LossChanges, loss_changes
from prefixrun.results.inspection.words import SiteWords, nearest_words
from prefixrun.results.lookup import OpenedRun, open_run
from prefixrun.results.record import Record
from prefixrun.runs.log import stage

if TYPE_CHECKING:
    from torch import Tensor

    from prefixrun.models.tokenizer import Tokenizer

EXAMPLES = 8
"""Test inputs whose attention is measured, and development pairs whose loss is."""
VOCABULARY = 800
"""Tokens that a prefix is compared with."""
TEXTS = 2000
"""Training pairs whose most frequent tokens are among them."""

SCHEMA_VERSION = 1
"""Of the JSON file; moves when a field is renamed or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that is measured of the prefix of one run."""

    run_id: str
    task: str
    model: str
    method: str
    prefix_len: int
    init: str
    seed: int
    data_source: str
    dev_loss: float | None
    """That the run has measured, over its own development pairs."""
    split: str
    """That the inputs are of whose attention is measured."""
    inputs: int
    candidates: int
    vocabulary: int
    """Tokens that the model has."""
    is_seq2seq: bool
    words: tuple[SiteWords, ...]
    """Empty where the method has no keys and values to compare, as is `attention`."""
    attention: tuple[SiteAttention, ...]
    losses: LossChanges
    agreements: tuple[Agreement, ...] = ()
    """With the other runs that were inspected with it."""


def page_directory(record: Record) -> Path:
    """The directory of the run, where its page is written. Raises DataError for a committed record without its run."""
    if not record.is_local:
        raise DataError(
            f"run {record.run_id}: {record.directory} is a committed record, which keeps no trained prefix and "
            "into which nothing is written; run its command again"
        )
    return record.run_directory or record.directory


def inspect_runs(
    records: Sequence[Record],
    *,
    examples: int = EXAMPLES,
    vocabulary: int | None = VOCABULARY,
    data_dir: Path | None = None,
    model_path: str | None = None,
) -> list[Inspection]:
    """The inspections of some runs; when there are several, each with how much it agrees with the others.

    vocabulary: how many tokens, None for all. data_dir: of the real corpora.

    Raises:
        ConfigError: a method without positions in front of the text; several prefixes that cannot be compared; no
            data_dir for a run on a real corpus.
        DataError: the run has not stored what it trained; a corpus that is not the run's.
        DamagedStateError, MissingPartError: see results.lookup.open_run.
    """
    _refuse(records)
    inspected: list[tuple[Inspection, Mapping[str, Tensor]]] = []
    for record in records:
        opened = open_run(record, model_path=model_path)
        prefix = _prefix(opened)
        tensors = {site: tensor.detach().cpu() for site, tensor in prefix.stored_key_values().items()}
        data = _data(opened, data_dir)
        inspected.append((_inspection(opened, prefix, data, examples, vocabulary), tensors))
    compared = [
        ComparedRun(run.run_id, run.seed, run.task, tensors, run.words, run.attention, run.losses)
        for run, tensors in inspected
    ]
    return [
        replace(run, agreements=tuple(agreement(mine, other) for other in compared if other is not mine))
        for (run, _), mine in zip(inspected, compared, strict=True)
    ]


def _refuse(records: Sequence[Record]) -> None:
    """Raise ConfigError for what the results alone say cannot be inspected, or not together."""
    ids = [record.run_id for record in records]
    if len(set(ids)) < len(ids):
        raise ConfigError(f"run={','.join(ids)}: names a run twice; give each once")
    for record in records:
        page_directory(record)
        if not _has_positions(spec_of(record.method)):
            readable = ", ".join(spec.name for spec in METHOD_SPECS.values() if _has_positions(spec))
            raise ConfigError(
                f"run {record.run_id}: method={record.method} has no positions of a prefix that could be read; inspect "
                f"a run of {readable}"
            )
    names = ("method", "prefix_len", "method.sites", "method.layers", "method.query")
    first = records[0]
    for record in records[1:]:
        differing = [name for name in names if record.settings.get(name) != first.settings.get(name)]
        differing += ["method"] * (record.method != first.method)
        differing += ["model"] * (record.backbone_sha256 != first.backbone_sha256)
        if differing:
            raise ConfigError(
                f"run={first.run_id},{record.run_id}: differ in {', '.join(dict.fromkeys(differing))}, so that their "
                "prefixes cannot be compared position by position; inspect them one by one"
            )


def _has_positions(spec: MethodSpec) -> bool:
    """Whether a method has positions; whether they stand in front of every input is seen when it is loaded."""
    return spec.has_init or spec.stores_prefix


def _prefix(opened: OpenedRun) -> Prefix:
    """The trained prefix. Raises ConfigError for a method with positions that is none."""
    if isinstance(opened.method, Prefix):
        return opened.method
    raise ConfigError(
        f"run {opened.record.run_id}: the keys and values of method={opened.record.method} depend on the input, so "
        "that there is no prefix to read; inspect a run of prefix, prefix_flat or embedding"
    )


def _data(opened: OpenedRun, data_dir: Path | None) -> RunData:
    """What the run was trained, measured and scored on.

    Raises ConfigError without the directory of a real corpus, DataError for another corpus than the run's.
    """
    record, config = opened.record, opened.config
    if record.brings_its_corpus:
        data_dir = None
    elif data_dir is None and config.task.dataset is None:
        raise ConfigError(
            f"run {record.run_id}: was trained on a real corpus, whose development pairs and inputs are read again; "
            "give data_dir=DIR"
        )
    data = RunData.load(replace(config, data_dir=None if data_dir is None else str(data_dir)))
    for part in (data.train, data.dev, data.test):
        expected = record.data_hashes.get(part.split)
        if expected and {*expected} != {file.sha256 for file in part.files}:
            raise DataError(
                f"run {record.run_id}: the {part.split} part of {record.task} is another one here than the run's; give "
                "the data_dir of the run"
            )
    return data


def _inspection(opened: OpenedRun, prefix: Prefix, data: RunData, examples: int, vocabulary: int | None) -> Inspection:
    record, config, backbone = opened.record, opened.config, opened.backbone
    pairs = _development_pairs(backbone.tokenizer, data, examples)
    rows = _test_rows(opened, data, examples)
    everything = len(backbone.tokenizer.base.get_vocab())
    initial = initial_ids(backbone, config) or []  # those of init=words and vocab
    ids = candidates(backbone.tokenizer, initial, _texts(opened, data), vocabulary or everything)
    words: tuple[SiteWords, ...] = ()
    attention: tuple[SiteAttention, ...] = ()
    with prepacked_weights(backbone.model):
        if prefix.has_keys:
            with stage("words") as progress:
                words = nearest_words(backbone, prefix, ids, progress)
            attention = attention_shares(backbone, prefix, rows)
        with stage("losses") as progress:
            losses = loss_changes(backbone, prefix, pairs, max(1, examples // 2), progress)
    return Inspection(
        run_id=record.run_id,
        task=record.task,
        model=record.model,
        method=record.method,
        prefix_len=prefix.prefix_len,
        init=str(record.result["init"]),
        seed=record.seed,
        data_source=str(record.result["data_source"]),
        dev_loss=record.dev_loss,
        split=record.split,
        inputs=len(rows),
        candidates=len(ids),
        vocabulary=everything,
        is_seq2seq=backbone.is_seq2seq,
        words=words,
        attention=attention,
        losses=losses,
    )


def _texts(opened: OpenedRun, data: RunData) -> list[tuple[int, ...]]:
    """Inputs and outputs of some training pairs, as tokens."""
    pairs = tokenise(choose(data.pairs, TEXTS, DEV_SEED), opened.backbone.tokenizer)
    return [ids for pair in pairs for ids in (pair.source, pair.target)]


def _development_pairs(tokenizer: Tokenizer, data: RunData, count: int) -> list[PairIds]:
    """Some of the pairs whose loss the run has measured, or of those it might have where it measured none."""
    pairs = data.dev_pairs or data.untrained
    if not pairs:
        raise DataError(f"{data.train.task}: all pairs are trained on, and none is left whose loss could be measured")
    return tokenise(choose(pairs, count, DEV_SEED), tokenizer)


def _test_rows(opened: OpenedRun, data: RunData, count: int) -> list[Row]:
    """Some of the inputs that the run was scored on, each with the output that the run wrote for it, or with its first
    reference where that is not there."""
    tokenizer, outputs = opened.backbone.tokenizer, opened.record.outputs()
    return [
        Row(
            tuple(tokenizer.source(example.source)),
            (tuple(tokenizer.target(outputs.get(example.id) or example.references[0])),),
        )
        for example in choose_examples(data.inputs, count)
    ]

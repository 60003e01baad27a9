"""Whether the files of a finished run agree: what can be computed again from them is computed again and compared.

Everything must be equal, with one exception: scores may differ in their last digits (TOLERANCE), because stored counts
are added in another order, and another version or processor may round elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prefixrun import metrics
from prefixrun.config.method_specs import spec_of
from prefixrun.data import SPLITS
from prefixrun.errors import ConfigError, MissingPartError, PrefixrunError, shortened
from prefixrun.files import digest, read_json
from prefixrun.metrics import resampling
from prefixrun.models.weights import locate
from prefixrun.results.counts import Counts
from prefixrun.results.examples import Text, evenly, scored_corpus
from prefixrun.results.lookup import config_of
from prefixrun.results.record import Record
from prefixrun.runs.identity import identity_of
from prefixrun.runs.result_schema import described
from prefixrun.runs.run import run_id

TOLERANCE = 1e-12
"""Relative difference up to which two scores count as equal."""

REGENERATED = 8
"""For how many inputs outputs are generated again."""

Outcome = Literal["right", "wrong", "not checked"]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison and its outcome."""

    what: str
    outcome: Outcome
    detail: str
    """The finding, or why it could not be checked."""


def verify(
    record: Record, *, data_dir: Path | None = None, regenerate: int = REGENERATED, model_path: str | None = None
) -> Iterator[Check]:
    """The checks one after the other, quick ones first. Raises nothing that a damaged run could cause.

    `data_dir`: directory of the corpora, for records that keep outputs alone, and to compare inputs with. `regenerate`:
    for how many inputs outputs are generated again. `model_path`: where the model of a run with model=path is now.
    """
    yield _guarded("config.json", lambda: _config(record))
    yield _guarded("settings", lambda: _settings(record))
    model = _guarded("model", lambda: _model(record, model_path))
    yield model
    trained = _guarded("trained file", lambda: _trained(record))
    yield trained
    stored = _StoredRun(record)
    yield _guarded("outputs", stored.read)
    yield _guarded("inputs", lambda: _inputs(stored, data_dir))
    try:
        yield from _scores(stored)
    except (PrefixrunError, *MALFORMED) as error:
        yield Check("scores", "wrong", f"they cannot be made again ({type(error).__name__}: {shortened(error)})")
    yield _guarded("counts", lambda: _counts(stored))
    if regenerate:
        obstacle = next((check for check in (model, trained) if check.outcome != "right"), None)
        yield (
            Check("generation", "not checked", f"{obstacle.what}: {obstacle.outcome}")
            if obstacle
            else _guarded("generation", lambda: _generation(stored, regenerate, model_path))
        )


class _StoredRun:
    """The outputs that a run has stored, and the inputs behind them as far as they are known."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.outputs: Mapping[str, str] = {}
        self.counts: Counts | None = None
        self.texts: Mapping[str, Text] = {}
        self.why_no_texts = "its outputs could not be read"
        self.other_signatures: set[str] = set()
        """Scores that have another signature in this version."""

    @property
    def ids(self) -> tuple[str, ...]:
        """In the order in which they were scored, where the counts tell it."""
        return tuple(self.outputs) if self.counts is None else self.counts.ids

    @property
    def groups(self) -> list[str] | None:
        """Of the inputs; None where no one of them has one."""
        if self.counts is not None and self.counts.groups is not None:
            return list(self.counts.groups)
        groups = [self.texts[input_id].group for input_id in self.ids]
        return groups if any(groups) else None

    def read(self) -> Check:
        """Everything but the inputs; an output for each input, and no other."""
        record, n_inputs = self.record, int(self.record.result["n_inputs"])
        outputs, counts = record.outputs(), record.checked_stats()
        if len(outputs) != n_inputs:
            return Check("outputs", "wrong", f"{len(outputs):,} for {n_inputs:,} inputs")
        if counts is not None and (set(counts.ids) != set(outputs) or len(counts.ids) != n_inputs):
            return Check("outputs", "wrong", "their ids are not those of stats.parquet")
        texts = {record["id"]: Text(record["source"], tuple(record["references"])) for record in record.generations()}
        if texts and set(texts) != set(outputs):
            return Check("outputs", "wrong", "generations.jsonl has not the inputs of the outputs")
        self.texts = texts
        self.outputs, self.counts = outputs, counts
        return Check("outputs", "right", f"{n_inputs:,}, one an input")


MALFORMED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, OSError, RecursionError)
"""Errors from a file that cannot be read, or whose content has another form than a run writes."""


def _guarded(what: str, check: Callable[[], Check]) -> Check:
    """The outcome of a check that may raise: `not checked` when something is missing here, else `wrong`."""
    try:
        return check()
    except (ConfigError, MissingPartError) as error:
        return Check(what, "not checked", str(error))
    except PrefixrunError as error:
        return Check(what, "wrong", str(error))
    except MALFORMED as error:  # a file of another form than a run writes
        reason = f"{type(error).__name__}: {shortened(error)}"
        return Check(what, "wrong", f"a file cannot be read, or has not the form that a run writes ({reason})")


def _config(record: Record) -> Check:
    path = record.file("config.json")
    if path is None:
        return Check("config.json", "not checked", "a committed record keeps none")
    config = read_json(path)
    if config["run_id"] != record.run_id or run_id(config["identity"]) != record.run_id:
        return Check("config.json", "wrong", "it is the configuration of another run, or was changed")
    return Check("config.json", "right", "its identity gives the run id")


def _settings(record: Record) -> Check:
    """The identity that result.json implies; it holds everything that can change a number."""
    result, data = record.result, record.result.get("data", {})
    config = config_of(record, model_path="DIR")
    if record.backbone_sha256 is None or not {*SPLITS} <= data.keys() or result["provenance"].get("semantics") is None:
        return Check("settings", "not checked", "result.json does not say what its model, data and version were")
    identity = identity_of(
        config,
        model=record.backbone_sha256,
        data={split: data[split]["files"] for split in SPLITS},
        semantics=result["provenance"]["semantics"],
    )
    actual = run_id(identity)
    if actual != record.run_id:
        return Check("settings", "wrong", f"settings, data and model in result.json are those of run {actual}")
    expected_fields = described(config)
    if other := [
        f"{name} is {result[name]!r}, its settings say {expected_fields[name]!r}"
        for name in expected_fields
        if result[name] != expected_fields[name]
    ]:
        return Check("settings", "wrong", "; ".join(other))
    return Check("settings", "right", "settings, data and model in result.json give the run id")


def _model(record: Record, model_path: str | None) -> Check:
    expected = record.backbone_sha256
    if expected is None:
        return Check("model", "not checked", "result.json does not say which weights it was made with")
    actual = locate(config_of(record, model_path=model_path).model, download=False).fingerprint
    if actual != expected:
        return Check("model", "wrong", f"SHA-256 {actual[:12]} here, and the run was made with {expected[:12]}")
    return Check("model", "right", f"SHA-256 {actual[:12]}")


def _trained(record: Record) -> Check:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    what, name, stored = "trained file", spec_of(record.method).trained_file, int(record.result["parameters"]["stored"])
    path = record.file(name)
    if path is None:
        if not record.is_local:
            return Check(what, "not checked", "a committed record keeps none")
        if record.settings.get("keep_trained") is False:
            return Check(what, "not checked", "the run was made with keep_trained=false")
        return Check(what, "wrong", f"{name} is not there")
    try:
        numbers = sum(tensor.size for tensor in load(path.read_bytes()).values())
    except SafetensorError as error:
        return Check(what, "wrong", f"{path}: damaged ({error})")
    expected = record.result.get("trained_file")
    if expected and (actual := digest(path)) != expected["sha256"]:
        return Check(what, "wrong", f"{name}: SHA-256 {actual[:12]} here, and the run wrote {expected['sha256'][:12]}")
    if stored and numbers != stored:  # prompting stores no parameters, but the ids of its prompt
        return Check(what, "wrong", f"{numbers:,} numbers in {name}, and the run stored {stored:,}")
    return Check(what, "right", f"{name}, {numbers:,} numbers")


def _inputs(stored: _StoredRun, data_dir: Path | None) -> Check:
    """Compare inputs and references with the corpus, or take them from there."""
    if not stored.outputs:
        return Check("inputs", "not checked", "the outputs could not be read")
    problems: list[tuple[str, str]] = []
    corpus, note = scored_corpus(stored.record, stored.record.task, data_dir, problems)
    if corpus is None:
        stored.why_no_texts = problems[0][1] if problems else note
        return Check("inputs", "not checked", stored.why_no_texts)
    known = {example.id: Text(example.source, example.references, example.group) for example in corpus.examples}
    for input_id in stored.outputs:
        if input_id not in known:
            return Check("inputs", "wrong", f"{input_id} is no input of the corpus")
        if stored.texts and (stored.texts[input_id].source, stored.texts[input_id].references) != (
            known[input_id].source,
            known[input_id].references,
        ):
            return Check("inputs", "wrong", f"{input_id}: input or references are not those of the corpus")
    stored.texts = {input_id: known[input_id] for input_id in stored.outputs}
    return Check("inputs", "right", "inputs and references are those of the corpus")


def _scores(stored: _StoredRun) -> Iterator[Check]:
    """Score the outputs again; one check for all scores that agree, and one for each that does not."""
    if not stored.outputs or not stored.texts:
        yield Check("scores", "not checked", stored.why_no_texts)
        return
    texts = [stored.texts[input_id] for input_id in stored.ids]
    again = metrics.evaluate(
        stored.record.scored_as,
        [stored.outputs[input_id] for input_id in stored.ids],
        [text.references for text in texts],
        stored.groups,
        [text.source for text in texts],
    ).scores
    right, not_checked = [], dict[str, list[str]]()
    for name in stored.record.result["scores"]:
        why_not = _why_not(stored.record, name, again.get(name))
        value = stored.record.value(name)
        if name in again and again[name].signature != stored.record.signature(name):
            stored.other_signatures.add(name)
        if why_not:
            not_checked.setdefault(why_not, []).append(name)
        elif _equal(again[name].value, value):
            right.append(name)
        else:
            yield Check("scores", "wrong", f"{name}: {value} is stored, and the outputs give {again[name].value}")
    if right:
        yield Check("scores", "right", f"the outputs give the same {', '.join(right)}")
    for why_not, names in not_checked.items():
        yield Check("scores", "not checked", f"{', '.join(names)}: {why_not}")


def _equal(actual: float | None, stored: float | None) -> bool:
    return actual is not None and stored is not None and math.isclose(actual, stored, rel_tol=TOLERANCE)


def _why_not(record: Record, name: str, again: metrics.Score | None) -> str:
    """Why a score cannot be compared with that of today; empty when it can."""
    if record.value(name) is None:
        return f"without a value in the run: {record.reason(name)}"
    if again is None:
        return "this version does not have it"
    if again.signature != record.signature(name):
        return f"made as {record.signature(name)}, here it would be {again.signature}"
    return again.reason or ""


def _counts(stored: _StoredRun) -> Check:
    counts, record = stored.counts, stored.record
    if counts is None:
        return Check("counts", "not checked", "the run has no stats.parquet")
    sums: dict[str, float] = {}
    for suffix, part in resampling.parts(record.scored_as, counts.columns, counts.groups):
        sums |= {name + suffix: value for name, value in metrics.aggregate(record.scored_as, part).items()}
    names = [name for name in record.result["scores"] if name not in stored.other_signatures]
    expected = {name: value for name in names if (value := record.value(name)) is not None}
    for name, value in expected.items():
        if name in sums and not _equal(sums[name], value):
            return Check("counts", "wrong", f"{name}: {value} is stored, and stats.parquet gives {sums[name]}")
    missing = [name for name in expected if name not in sums]
    if len(missing) == len(expected):
        return Check("counts", "not checked", "stats.parquet has no counts of any of the scores")
    also = f"; no counts of {', '.join(missing)}" if missing else ""
    return Check("counts", "right", f"stats.parquet gives the scores{also}")


def _generation(stored: _StoredRun, count: int, model_path: str | None) -> Check:
    from prefixrun.results.inference import Predictor, outputs
    from prefixrun.results.lookup import open_run

    if not stored.outputs or not stored.texts:
        return Check("generation", "not checked", stored.why_no_texts)
    opened = open_run(stored.record, model_path=model_path)
    predictor = Predictor(stored.record.run_id, opened.backbone, opened.method, opened.config.decode)
    ids = evenly(stored.ids, count)
    (texts,) = outputs([predictor], [stored.texts[input_id].source for input_id in ids])
    different = [input_id for input_id, text in zip(ids, texts, strict=True) if text != stored.outputs[input_id]]
    if different:
        return Check("generation", "wrong", f"{len(different)} of {len(ids)} outputs differ: {', '.join(different)}")
    return Check("generation", "right", f"{len(ids)} of {len(stored.ids):,} outputs are written again as they were")

"""Finished runs that no one ran: plausible records of any setting, in milliseconds, for tests of their readers.

The scores are the metrics' own aggregates of the counts that are written beside them, so intervals and paired tests
work on them as on real ones. Inputs differ in difficulty in the same way for every run.
"""

import copy
import io
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prefixrun.analysis.groups import RunGroup, run_groups
from prefixrun.metrics import aggregate
from prefixrun.results.archive import compressed
from prefixrun.results.record import OUTPUTS
from prefixrun.results.records import load_records
from prefixrun.runs.result_schema import SCHEMA_VERSION
from prefixrun.runs.run import run_id

SETTINGS: dict[str, Any] = {
    "data_fraction": 1.0,
    "data": {"verify": "on"},
    "decode": {
        "name": "beam5_modern",
        "beams": 5,
        "max_new_tokens": 100,
        "length_norm": "generated",
        "ban_newlines": True,
    },
    "init": {"name": "words", "default_words": None, "fit_steps": 500, "fit_lr": 1e-3},
    "init_words": None,
    "method": {"name": "prefix", "mid_dim": 512},
    "model": {"name": "smollm2_135m", "source": "package", "layout": "lines"},
    "precision": "fp32",
    "prefix_len": 10,
    "seed": 101,
    "subsample_seed": 0,
    "task": {"name": "e2e", "linearisation": "paper"},
    "test_size": None,
    "train": {"epochs": 1, "lr": 1e-3, "batch_size": 16, "loss_mode": "token_mean", "targets_per_row": 4},
    "train_size": None,
}
TOTALS = {"smollm2_135m": 134_515_008, "gpt2_medium": 354_823_168, "gpt2_large": 774_030_080, "bart_large": 406_291_456}
AVAILABLE = {"e2e": 42_061, "webnlg": 18_025, "dart": 62_659, "sort_letters": 2_000, "majority": 2_000}
WITH_PREFIX = ("prefix", "prefix_flat", "prefix_gated", "prefix_plus", "embedding", "infix")
COLUMNS = {
    "BLEU": (
        "output_length",
        "reference_length",
        *(f"matches{order}" for order in range(1, 5)),
        *(f"ngrams{order}" for order in range(1, 5)),
    ),
    "ROUGE_L": ("f", "segments"),
    "TER": ("edits", "mean_reference_length"),
}
SCORED_AS_PAPER = ("e2e", "webnlg", "dart")
METRICS = {
    "e2e": ("BLEU", "ROUGE_L"),
    "webnlg": ("BLEU", "TER"),
    "dart": ("BLEU", "TER"),
    "sort_letters": ("TER",),
    "majority": ("TER",),
}


def write_record(
    results_dir: Path,
    *,
    folder: str = "records",
    settings: Mapping[str, Any] | None = None,
    quality: float = 0.5,
    inputs: int = 60,
    stored: int = 115_200,
    data_source: str = "release",
    with_stats: bool = True,
    result: Mapping[str, Any] | None = None,
) -> Path:
    """One finished run under `results_dir`/`folder`/ and its directory.

    `settings`: dotted keys that differ from SETTINGS, e.g. ``{"method.name": "finetune", "seed": 2}``. `quality`: about
    0 to 1, the share of n-grams that match. `result`: fields of result.json that replace the usual ones.
    """
    chosen = _settings(settings or {})
    task, model, method = (chosen[part]["name"] for part in ("task", "model", "method"))
    identifier = run_id({"settings": chosen, "data": data_source, "inputs": inputs})
    counts = _counts(task, quality, inputs, int(identifier, 16))
    directory = results_dir / folder / f"{task}-{method}-{model}-{identifier}"
    directory.mkdir(parents=True)
    complete = _result(chosen, counts, data_source, stored) | {"run_id": identifier, **(result or {})}
    (directory / "result.json").write_text(json.dumps(complete, sort_keys=True, indent=2) + "\n", encoding="utf-8")
    if with_stats:
        (directory / "stats.parquet").write_bytes(_parquet(counts))
    _write_outputs(directory, folder, list(counts["id"]), method)
    return directory


def write_diverged(results_dir: Path, *, folder: str = "records", settings: Mapping[str, Any] | None = None) -> Path:
    """What is left of a run whose training diverged, of the data and the model of `write_record`; its directory."""
    chosen = _settings(settings or {})
    task, model, method = (chosen[part]["name"] for part in ("task", "model", "method"))
    data = {"train": [{"name": "train", "records": 1, "sha256": "0" * 64}]}
    identity = {"settings": chosen, "data": data, "model": "1" * 64, "semantics": 1}
    identifier = run_id(identity)
    directory = results_dir / folder / f"{task}-{method}-{model}-{identifier}"
    directory.mkdir(parents=True)
    config = {"identity": identity, "run_id": identifier, "schema_version": 1}
    failure = {"message": "step 31: training has diverged", "diverged": {"step": 31, "factor": 2.5, "steps": 20}}
    for name, content in (("config.json", config), ("failed.json", failure)):
        (directory / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return directory


def write_runs(
    results_dir: Path,
    method: str,
    quality: float,
    *,
    seeds: Iterable[int] = range(3),
    inputs: int = 60,
    stored: int = 115_200,
    **settings: object,
) -> None:
    """A record of a method for each seed; `settings`: dotted keys."""
    for seed in seeds:
        changes = {"method.name": method, "seed": seed, **settings}
        write_record(results_dir, settings=changes, quality=quality, inputs=inputs, stored=stored)


def groups_in(results_dir: Path) -> list[RunGroup]:
    """The run groups of all records."""
    return run_groups(load_records(results_dir).runs)


def _settings(changes: Mapping[str, Any]) -> dict[str, Any]:
    chosen = copy.deepcopy(SETTINGS)
    for key, value in changes.items():
        *sections, name = key.split(".")
        part = chosen
        for section in sections:
            part = part.setdefault(section, {})
        part[name] = value
    return chosen


def _result(chosen: Mapping[str, Any], counts: pd.DataFrame, data_source: str, stored: int) -> dict[str, Any]:
    task, model, method = (chosen[part]["name"] for part in ("task", "model", "method"))
    has_prefix = method in WITH_PREFIX
    available = AVAILABLE[task]
    n_train = chosen["train_size"] or round(available * chosen["data_fraction"])
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": "laptop",
        "task": task,
        "model": model,
        "method": method,
        "prefix_len": chosen["prefix_len"] if has_prefix else None,
        "init": chosen["init"]["name"] if has_prefix else None,
        "seed": chosen["seed"],
        "data_source": data_source,
        "split": "test",
        "n_train": n_train,
        "n_train_available": available,
        "n_inputs": len(counts),
        "n_inputs_available": len(counts),
        "scores": _scores(task, counts),
        "parameters": {"trained": stored, "stored": stored, "total": TOTALS[model.partition("_first")[0]]},
        "costs": {
            "train_seconds": 100.0 + stored / 1e5,
            "train_tokens": 54 * n_train,
            "train_steps": 100,
            "decode_seconds": 20.0,
            "peak_memory_bytes": 2_000_000_000 + 8 * stored,
        },
        "training": {"history": [{"step": 100, "train_loss": 1.5, "dev_loss": 1.2}], "fit_error": 1e-6},
        "settings": dict(chosen),
        "data": {"train": {"version": "synthetic", "files": [{"name": "train", "records": 1, "sha256": "0" * 64}]}},
        "backbone": {"files": "none", "sha256": "1" * 64},
        "provenance": {"semantics": 1, "prefixrun": "0.1.0", "python": "3.11.7", "time": "2026-01-01T00:00:00+00:00"},
    }


def _scores(task: str, counts: pd.DataFrame) -> dict[str, Any]:
    def of(part: pd.DataFrame) -> dict[str, float]:
        scored_as = task if task in SCORED_AS_PAPER else "TER"
        return aggregate(scored_as, {name: part[name].to_numpy() for name in part.columns if "." in name})

    values = of(counts)
    if "group" in counts:
        parts = {"all": counts, **{name: counts[counts["group"] == name] for name in ("seen", "unseen")}}
        values = {f"{name}/{group}": value for group, part in parts.items() for name, value in of(part).items()}
    return {name: {"value": value, "signature": "synthetic:1", "reason": None} for name, value in values.items()}


@cache
def _difficulty(inputs: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.integers(12, 30, size=inputs), generator.normal(0, 0.06, size=inputs)


def _counts(task: str, quality: float, inputs: int, seed: int) -> pd.DataFrame:
    """`id`, `group` for WebNLG, and the columns of METRICS: an output matches its references by `quality`."""
    generator = np.random.default_rng(seed)
    lengths, hard = _difficulty(inputs)
    columns: dict[str, Any] = {"id": [f"test-{position:05d}" for position in range(inputs)]}
    if task == "webnlg":
        columns["group"] = ["seen" if position % 2 else "unseen" for position in range(inputs)]
    share = np.clip(quality + hard + generator.normal(0, 0.03), 0.02, 0.98)
    matches = lengths
    for order in range(1, 5):
        matches = generator.binomial(np.minimum(matches, lengths - order + 1), share ** (0.3 if order == 1 else 0.5))
        columns[f"BLEU.matches{order}"] = matches.astype(np.float64)
        columns[f"BLEU.ngrams{order}"] = (lengths - order + 1).astype(np.float64)
    columns |= {"BLEU.output_length": lengths * 1.0, "BLEU.reference_length": lengths * 1.0}
    columns |= {"ROUGE_L.f": share, "ROUGE_L.segments": np.ones(inputs)}
    columns |= {"TER.edits": np.round(lengths * (1 - share)), "TER.mean_reference_length": lengths * 1.0}
    kept = ["id", *(["group"] if "group" in columns else [])]
    return pd.DataFrame({name: columns[name] for name in [*kept, *_names(task)]})


def _names(task: str) -> list[str]:
    return [f"{metric}.{column}" for metric in METRICS[task] for column in COLUMNS[metric]]


def _parquet(counts: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    counts.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _write_outputs(directory: Path, folder: str, ids: list[str], method: str) -> None:
    """As a committed record keeps them, or as a run leaves them."""
    if folder == "records":
        lines = "".join(json.dumps({"id": each, "output": f"Output {each} of {method}."}) + "\n" for each in ids)
        (directory / OUTPUTS).write_bytes(compressed(lines))
        return
    (directory / "config.json").write_text("{}\n", encoding="utf-8")
    records = (
        {
            "id": each,
            "source": f" name : Place {each} | food : French",
            "output": f"Output {each} of {method}.",
            "references": [f"Reference of {each}.", "Another one."],
        }
        for each in ids
    )
    text = "".join(json.dumps(record, sort_keys=True) + "\n" for record in records)
    (directory / "generations.jsonl").write_text(text, encoding="utf-8")

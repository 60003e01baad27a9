"""What the report says of every run: its setting, scores, costs, and what it ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import verdict
from prefixrun.analysis.html.pool import Pool
from prefixrun.results import display_names
from prefixrun.results.records import Record

DECIMALS = 2
"""Of scores the paper does not print."""

_TOP = ("run_id", "profile", "task", "model", "method", "prefix_len", "init", "seed", "data_source", "split", "n_train")
_ALSO = ("n_train_available", "n_inputs", "n_inputs_available")
_COSTS = ("train_seconds", "train_tokens", "train_steps", "decode_seconds", "peak_memory_bytes")
_PARAMETERS = ("trained", "stored", "total")
_NOT_ENVIRONMENT = ("command", "time")


@dataclass(slots=True)
class RunTable:
    """All runs, and the values they share."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    signatures: Pool = field(default_factory=Pool)
    values: Pool = field(default_factory=Pool)
    """Values of settings."""
    environments: Pool = field(default_factory=Pool)
    backbones: Pool = field(default_factory=Pool)
    data_files: Pool = field(default_factory=Pool)
    run_groups: Pool = field(default_factory=Pool)
    """Configurations without their seeds: runs of one run group may be averaged."""

    @classmethod
    def of(cls, records: Sequence[Record]) -> RunTable:
        table = cls()
        table.runs = [table._run(record) for record in records]
        return table

    def _run(self, record: Record) -> dict[str, Any]:
        result = record.result
        origin = result["provenance"]
        for split, part in result.get("data", {}).items():
            for file in part.get("files", ()):
                self.data_files.add({"task": record.task, "split": split, "version": part.get("version"), **file})
        environment = {name: value for name, value in origin.items() if name not in _NOT_ENVIRONMENT}
        return {
            **{name: result[name] for name in _TOP},
            **{name: result.get(name) for name in _ALSO},
            **{name: result["costs"].get(name) for name in _COSTS},
            **{name: result["parameters"][name] for name in _PARAMETERS},
            "name": record.directory.name,
            "directory": f"{record.directory.parent.name}/{record.directory.name}",
            "label": label(record),
            "subsample_seed": record.subsample_seed,
            "precision": record.precision,
            "point": self.run_groups.add(record.group_key),
            "scores": {name: self._score(score) for name, score in result["scores"].items()},
            "verdict": verdict(result, _paper_rows(record.task, record.split)).text,
            "settings": {name: self.values.add(value) for name, value in record.settings.items()},
            "environment": self.environments.add(environment),
            "backbone": self.backbones.add(result.get("backbone", {"files": None, "sha256": None})),
            "command": origin.get("command"),
            "time": origin.get("time"),
        }

    def _score(self, score: Mapping[str, Any]) -> list[Any]:
        """Value, position of the signature, and the reason where there is no value."""
        kept = [score["value"], self.signatures.add(score["signature"])]
        return kept if score["value"] is not None else [*kept, score["reason"]]

    def plain(self) -> dict[str, Any]:
        """The part of the embedded data that is about runs."""
        environments = zip(self.environments.values, self.environments.counts, strict=True)
        return {
            "runs": self.runs,
            "metrics": metrics(self.runs),
            "signatures": self.signatures.values,
            "values": self.values.values,
            "environments": [_environment(i, one, n) for i, (one, n) in enumerate(environments, start=1)],
            "backbones": _counted(self.backbones),
            "data_files": _counted(self.data_files),
        }


def label(record: Record) -> str:
    """A run in a few words: method, length, start, size of the training set where it is a part, seeds, model."""
    result = record.result
    method = record.method if record.prefix_len is None else f"{record.method} {record.prefix_len}"
    whole = result.get("n_train_available")
    subset = whole is not None and result["n_train"] < whole
    parts = [
        method,
        result["init"],
        f"{result['n_train']:,} pairs" if subset else None,
        f"subset {record.subsample_seed}" if subset and record.subsample_seed else None,
        f"seed {record.seed}",
        record.model,
        record.run_id[:6],
    ]
    return ", ".join(part for part in parts if part)


def metrics(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every score some run has, those the paper prints first and in its order, with the paper's decimals."""
    printed: dict[str, int] = {}
    for content in paper_numbers.MAIN:
        for row in paper_numbers.load(content):
            for cell in row.cells:
                printed.setdefault(cell.metric, len(cell.printed.partition(".")[2]))
    own = dict.fromkeys(name for run in runs for name in run["scores"])
    ordered = [name for name in printed if name in own] + [name for name in own if name not in printed]
    return [
        {
            "name": name,
            "decimals": printed.get(name, DECIMALS),
            "less_is_better": display_names.less_is_better(name),
        }
        for name in ordered
    ]


@cache
def _paper_rows(task: str, split: str) -> tuple[paper_numbers.Row, ...]:
    return paper_numbers.rows(task, split=split)


def _environment(number: int, origin: Mapping[str, Any], runs: int) -> dict[str, Any]:
    """An environment as one row: what is known by name, and the rest (a GPU, say) with the machine."""
    git = origin.get("git") or {}
    commit = git.get("commit")
    known = ("prefixrun", "semantics", "python", "packages", "git", "threads", "cpu_count")
    sizes = [
        f"{origin[name]} {unit}" for name, unit in (("cpu_count", "cores"), ("threads", "threads")) if origin.get(name)
    ]
    machine = [str(value) for name, value in sorted(origin.items()) if name not in known and value is not None]
    return {
        "label": f"environment {number}",
        "runs": runs,
        "commit": commit and commit[:12] + (" with changes" if git.get("modified") else ""),
        "prefixrun": origin.get("prefixrun"),
        "semantics": origin.get("semantics"),
        "python": origin.get("python"),
        "machine": ", ".join([*machine, *sizes]) or None,
        "packages": ", ".join(f"{name} {version}" for name, version in sorted(origin.get("packages", {}).items())),
    }


def _counted(pool: Pool) -> list[dict[str, Any]]:
    return [{**value, "runs": count} for value, count in zip(pool.values, pool.counts, strict=True)]

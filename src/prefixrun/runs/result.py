"""The content of result.json, from what the stages of a run have returned."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from prefixrun import metrics
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import local_paths, without
from prefixrun.config.task_settings import GENERATED_TASKS
from prefixrun.data import Corpus
from prefixrun.runs.prepare import PreparedRun
from prefixrun.runs.provenance import peak_memory_bytes, provenance
from prefixrun.runs.result_schema import GENERATED, RELEASE, SAMPLE, described
from prefixrun.runs.run import Run


def result_of(
    run: Run, prepared: PreparedRun, scores: Mapping[str, metrics.Score], costs: Mapping[str, Any]
) -> dict[str, Any]:
    """Every field of result.json but those that `Run.finish` fills in. costs: the content of costs.json,
    `decode_seconds`, and `forgetting` where it was measured."""
    config, data, backbone = prepared.config, prepared.data, prepared.backbone
    training = costs["training"]
    corpora = (data.train, data.dev, data.test)
    return {
        "profile": config.profile,
        **described(config),
        "data_source": _data_source(config),
        "split": data.scored.split,
        "n_train": len(data.pairs),
        "n_train_available": data.train.pairs,
        "n_dev": len(data.dev_pairs),
        "n_inputs": len(data.inputs),
        "n_inputs_available": len(data.scored.examples),
        "truncated": {part: truncation.cut for part, truncation in prepared.truncation.items()},
        "scores": {name: asdict(score) for name, score in scores.items()},
        "parameters": costs["parameters"],
        "costs": {
            "train_seconds": training["seconds"],
            "train_tokens": training["pair_tokens"],
            "train_positions": training["positions"],
            "train_steps": training["step"],
            "decode_seconds": costs["decode_seconds"],
            "peak_memory_bytes": max(peak_memory_bytes(), costs.get("peak_memory_bytes", 0)),
        },
        "training": {
            "history": training["history"],
            "fit_error": training["fit_error"],
            **{key: training[key] for key in ("prompt", "start", "teacher", "lengths", "of_run") if key in training},
        },
        **({"forgetting": costs["forgetting"]} if costs.get("forgetting") else {}),
        "settings": _settings(config),
        "data": {corpus.split: {"version": corpus.version, **_reading(corpus)} for corpus in corpora},
        "trained_file": {"name": run.trained_file.name, "sha256": run.manifest.entries()[run.trained_file.name].sha256},
        "backbone": {"files": backbone.files.description, "sha256": backbone.files.fingerprint},
        "provenance": provenance(
            sys.argv,
            accelerator=_accelerator(backbone.head.device),
            threads=torch.get_num_threads(),
            processes=training.get("processes", 1),
        ),
    }


def _data_source(config: Config) -> str:
    if config.task.name in GENERATED_TASKS:
        return GENERATED
    return SAMPLE if config.data_dir is None and config.task.dataset is None else RELEASE


def _accelerator(device: torch.device) -> str | None:
    """The name of what computed; None for the CPU, which provenance names itself."""
    if device.type == "cpu":
        return None
    named = {"cuda": torch.cuda, "xpu": torch.xpu}.get(device.type)
    return device.type if named is None else str(named.get_device_name(device))


def _settings(config: Config) -> dict[str, Any]:
    """The whole configuration without the places of this machine."""
    return without(asdict(config), local_paths())


def _reading(corpus: Corpus) -> dict[str, Any]:
    """What a corpus was read from, and what was left out."""
    skipped = [{"reason": skip.reason, "count": skip.count} for skip in corpus.skipped]
    empty = {"empty_inputs": corpus.empty_inputs} if corpus.empty_inputs else {}
    return {"files": [asdict(file) for file in corpus.files], "skipped": skipped, **empty}

"""A finished run opened again: its configuration, its backbone and what it has trained, ready for use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun.config.method_specs import spec_of
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import RETIRED, without
from prefixrun.config.validate import build, defaults
from prefixrun.errors import ConfigError, DamagedStateError, DataError, reading, shortened
from prefixrun.files import digest
from prefixrun.results.record import RESTORE, Record
from prefixrun.results.records import load_records
from prefixrun.runs.run import run_id_of

if TYPE_CHECKING:
    from prefixrun.methods import Method
    from prefixrun.models.backbone import Backbone

MOST_NAMED = 8
"""Runs that a message lists."""


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """What a finished run needs to generate again."""

    record: Record
    config: Config
    backbone: Backbone
    method: Method


def find(results_dir: Path, name: str) -> Record:
    """The run whose id begins with `name`, or whose directory `name` is.

    Raises DataError when there is none, or more than one; DamagedStateError when its result cannot be read.
    """
    wanted = name
    with suppress(OSError, RuntimeError):  # what can be no path may still be the beginning of an id
        directory = Path(name).expanduser()
        # A directory that happens to be called like the beginning of an id is no run.
        if directory.is_dir() and (os.sep in name or (directory / "result.json").exists()):
            directory = directory.resolve()
            results_dir, wanted = directory.parent.parent, run_id_of(directory)
    records = load_records(results_dir)
    matches = [record for record in records.runs if record.run_id.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(record.run_id for record in matches[:MOST_NAMED]) + ", ..." * (len(matches) > MOST_NAMED)
        raise DataError(f"run {name}: {len(matches)} runs begin like this: {ids}; give more of the id")
    skipped = [run for run in records.skipped if wanted in run.directory.name]
    reason = f" ({skipped[0].directory.name}: {skipped[0].reason})" if skipped else ""
    damaged = any(exists(run.directory / "result.json") for run in skipped)
    raise (DamagedStateError if damaged else DataError)(
        f"run {shortened(name)}: no finished run of {results_dir} has this id{reason}; `prefixrun ls` lists them"
    )


def config_of(record: Record, *, model_path: str | None = None) -> Config:
    """The configuration of a run, without its directories: `data_dir` means nothing in it.

    Raises:
        ConfigError: this version cannot read the settings; the run's model was a local directory and `model_path`
            does not say where it is now.
    """
    settings = _merged(defaults(), without(record.result.get("settings", {}), RETIRED))
    settings["data_dir"] = settings["data_dir"] or "DIR"
    if settings["model"]["source"] == "path":
        if model_path is None:
            raise ConfigError(f"run {record.run_id}: its model was a local directory; give model_path=DIR")
        settings["model"]["path"] = model_path
    try:
        return build(settings)
    except ConfigError as error:
        raise ConfigError(f"run {record.run_id}: its settings cannot be read by this version: {error}") from error


def open_run(record: Record, *, model_path: str | None = None) -> OpenedRun:
    """Load the backbone of a run and what it has trained.

    Raises:
        ConfigError, MissingPartError: see `config_of` and models.load.
        DataError: the run has not stored what it trained.
        DamagedStateError: the backbone is not the one the run was made with, or the trained file is damaged.
    """
    from prefixrun import methods
    from prefixrun.models.weights import locate
    from prefixrun.runs.pipeline import load_trained
    from prefixrun.runs.prepare import load_backbone

    config = config_of(record, model_path=model_path)
    path = record.file(spec_of(record.method).trained_file)
    if path is None:
        raise DataError(
            f"run {record.run_id}: {spec_of(record.method).trained_file} is not there: committed records and runs with "
            "keep_trained=false do not keep it; run its command again"
        )
    stored = record.result.get("trained_file", {}).get("sha256")
    with reading(path, RESTORE, DamagedStateError):
        is_changed = stored is not None and digest(path) != stored
    if is_changed:
        raise DamagedStateError(f"{path}: has changed since its run wrote it; {RESTORE}")
    expected, fingerprint = record.backbone_sha256, locate(config.model).fingerprint
    if expected is None:
        raise DataError(
            f"run {record.run_id}: its result does not say which weights it was trained on, so that no model is known "
            "to be the right one; run its command again"
        )
    if fingerprint != expected:
        raise DamagedStateError(
            f"run {record.run_id}: was trained on a model with SHA-256 {expected[:12]}, and {config.model.name} is "
            f"{fingerprint[:12]} here; nothing was loaded"
        )
    backbone = load_backbone(config)
    return OpenedRun(record, config, backbone, methods.restore(config, backbone, load_trained(path, backbone)))


def _merged(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with the values of `base` where it has none; keys this version does not know stay, to be refused."""
    merged = {key: value for key, value in base.items() if key not in settings}
    for key, value in settings.items():
        inner = base.get(key)
        merged[key] = _merged(inner, value) if isinstance(value, Mapping) and isinstance(inner, Mapping) else value
    return merged

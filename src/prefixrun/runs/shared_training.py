"""Runs that differ in decoding or in the number of test inputs alone have the same training, which is done once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefixrun import files
from prefixrun.config.setting_roles import without
from prefixrun.errors import PrefixrunError
from prefixrun.runs.log import LOG
from prefixrun.runs.run import Run, run_id_of
from prefixrun.training.manifest import MANIFEST, Manifest

AFTER_TRAINING = ("decode", "test_size")
"""Settings that nothing reads before what was trained is on the disk."""


def training_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's identity can change what it trains."""
    return {**identity, "settings": without(identity["settings"], AFTER_TRAINING)}


def take_over(run: Run) -> bool:
    """Whether another run of the results tree has left the same training; its trained file and costs are then those of
    this run too, and `training.of_run` in them is its id.

    Only whole files are taken that the other's manifest vouches for; a run whose files cannot be read is passed over.
    """
    wanted = training_identity(run.identity)
    of_this_kind = run.directory.name.removesuffix(run.id)
    for directory in sorted(run.directory.parent.glob(f"{of_this_kind}*")):
        if directory != run.directory and _is_same(directory, wanted) and _copy(directory, run):
            return True
    return False


def _is_same(directory: Path, wanted: Mapping[str, Any]) -> bool:
    try:
        return training_identity(files.read_json(directory / "config.json")["identity"]) == wanted
    except (PrefixrunError, KeyError, TypeError, AttributeError):  # not what this program writes
        return False


def _copy(directory: Path, run: Run) -> bool:
    other = run_id_of(directory)
    manifest = Manifest(directory / MANIFEST, other)
    try:
        trained, stored_costs = (manifest.read(name) for name in (run.trained_file.name, run.costs.name))
    except PrefixrunError as error:
        LOG.info("the training of run %s cannot be taken over: %s", other, error)
        return False
    if trained is None or stored_costs is None:
        return False
    costs = json.loads(stored_costs)
    costs["training"].setdefault("of_run", other)
    run.manifest.write({run.costs.name: files.json_bytes(costs), run.trained_file.name: trained}, "training")
    LOG.info("the training is that of run %s, which differs in decoding or test inputs alone", other)
    return True

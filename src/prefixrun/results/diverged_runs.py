"""Runs whose training diverged, as records: they have no scores, and count against their setting.

Where some trainings of a setting diverge, its finished runs are those that survived, and their mean says too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefixrun.config.method_specs import spec_of
from prefixrun.config.setting_roles import leave_out, outside_identity, repeats
from prefixrun.files import canonical_json, read_json
from prefixrun.results.flat_settings import with_defaults
from prefixrun.runs.run import run_id_of, stored_identity
from prefixrun.runs.shared_training import AFTER_TRAINING

FILES = ("config.json", "failed.json")
"""What is kept of such a run: its configuration, and at which step its loss had risen to what."""

DEFAULT_WORDS = ("init.default_words", "task.default_words")
"""Results name the text in use in either, identities in the first."""


@dataclass(frozen=True, slots=True)
class DivergedRun:
    """One run whose training diverged."""

    directory: Path
    run_id: str
    training_key: str
    """See `training_key`."""


def read_diverged(directory: Path) -> DivergedRun | None:
    """The run of a directory; None for one that has a result or has not diverged. Raises DamagedStateError."""
    if (directory / "result.json").exists() or not all((directory / name).is_file() for name in FILES):
        return None
    failure = read_json(directory / "failed.json")
    if not isinstance(failure, Mapping) or "diverged" not in failure:
        return None
    identity = stored_identity(directory)
    data = {split: [file.get("sha256") for file in files] for split, files in identity["data"].items()}
    settings = with_defaults(identity["settings"])
    key = training_key(settings, data, identity["model"], identity["semantics"])
    return DivergedRun(directory, run_id_of(directory), key)


def training_key(
    settings: Mapping[str, Any], data: Mapping[str, Any], backbone: str | None, semantics: int | None
) -> str:
    """Equal for runs whose trainings differ in their seeds alone.

    settings: dotted, with defaults. data: part of the corpus → SHA-256 of its files. backbone: SHA-256 of its weights.
    """
    unused = () if spec_of(settings["method.name"]).has_init else ("prefix_len", "init.", "init_words")
    after_training = [name for key in AFTER_TRAINING for name in (key, f"{key}.")]
    counting = leave_out(settings, {*repeats(), *outside_identity(), *unused, *after_training, *DEFAULT_WORDS})
    words = next((settings[key] for key in DEFAULT_WORDS if settings.get(key)), None) if not unused else None
    return canonical_json(
        {"settings": counting, "words": words, "data": data, "backbone": backbone, "semantics": semantics}
    )

"""The settings of Hydra itself that a user may change: where a sweep's runs go, as plain values.

Hydra builds whatever class its configuration names with ``_target_``. So a user chooses a launcher by its name, which a
package brings, and gives values to its settings; nothing that a user writes can name code, and files, logs and
callbacks are not Hydra's here.
"""

from __future__ import annotations

import re
from typing import Any

from hydra.core.override_parser.types import Override

LAUNCHER = "hydra/launcher"
SETTINGS = "hydra.launcher."
ADDED = ("hydra.launcher.ray.init.", "hydra.launcher.ray.remote.")
"""Sections whose settings the launcher's file does not name all, so that ``+`` may add one."""
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def wrong_hydra_override(override: Override, multirun: bool) -> str | None:
    """What is wrong with an override of Hydra's own settings."""
    key = override.key_or_group
    if key != LAUNCHER and not key.startswith(SETTINGS):
        return (
            f"of Hydra's own settings only {LAUNCHER} and {SETTINGS}KEY can be changed, and for a search of settings "
            "-m hydra/sweeper=optuna hydra.sweeper.n_trials=NUMBER; results_dir says where runs go"
        )
    if override.is_delete():
        return "settings cannot be removed; give the value that is wanted"
    if override.package is not None:
        return f"write it without @{override.package}"
    if override.is_sweep_override():
        return "takes one value"
    if not multirun:
        return "is for the runs of a sweep: add -m, or leave it out"
    if (override.is_add() or override.is_force_add()) and not key.startswith(ADDED):
        return f"write it without +; only {' and '.join(f'{section}KEY' for section in ADDED)} can be added"
    if key == LAUNCHER:
        return None if _is_name(override.value()) else "is no name of a launcher, such as joblib, slurm or ray"
    if not all(_is_name(part) for part in key.removeprefix(SETTINGS).split(".")):
        return "is no name of a setting"
    return None if is_plain(override.value()) else NO_PLAIN_VALUE


NO_PLAIN_VALUE = (
    "a launcher's settings are plain values: numbers, texts, true, false, null and lists or mappings of them"
)


def is_plain(value: Any) -> bool:
    """Whether a value names no code (``_target_`` and its like) and refers to nothing else."""
    if isinstance(value, dict):
        return all(is_plain(item) and not _steers_hydra(key) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return not (isinstance(value, str) and "${" in value)


def _steers_hydra(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("_") and key.endswith("_")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and PLAIN_NAME.fullmatch(value) is not None

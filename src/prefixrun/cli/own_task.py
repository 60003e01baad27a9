"""The own task that a verb's arguments name: its columns, parts and metrics, from the user's directory of choices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefixrun.config.compose import task_of
from prefixrun.config.schema import TaskConfig
from prefixrun.errors import ConfigError


def own_task(arguments: Mapping[str, str]) -> TaskConfig | None:
    """The configuration of ``task=TASK`` in ``config_dir``; None without a directory of choices.

    Raises ConfigError for a directory without that task, and for a wrong file.
    """
    if "config_dir" not in arguments:
        return None
    if "task" not in arguments:
        raise ConfigError("--config-dir: is for an own task; add task=NAME, as its file task/NAME.yaml is called")
    return task_of(arguments["task"], Path(arguments["config_dir"]).expanduser())

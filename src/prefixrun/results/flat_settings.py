"""A run's settings as dotted keys, with the schema's defaults for those that an earlier version did not have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from prefixrun.config.setting_roles import RETIRED, flatten, without
from prefixrun.config.validate import UNSET, defaults


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key → value of a run's settings, with the schema's defaults where it names none.

    The architecture of a model that a package holds is that of its name; early runs do not name it.
    """
    flat = {**_default_settings(), **dict(flatten(without(settings, RETIRED)))}
    if flat.get("model.source") == "package" and flat.get("model.architecture") is None:
        flat["model.architecture"] = flat.get("model.name")
    return flat


@cache
def _default_settings() -> Mapping[str, Any]:
    return {key: value for key, value in flatten(defaults()) if value != UNSET}

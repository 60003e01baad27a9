"""A result with one value that no run writes."""

import copy
from collections.abc import Mapping
from typing import Any

REMOVED = object()
"""In place of a value: the key is not there."""
NESTED: Any = []
for _ in range(300):
    NESTED = [NESTED]


def spoiled(result: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of a result with another value at a dotted place, whose sections are made where they are not there."""
    changed = copy.deepcopy(dict(result))
    part = changed
    *sections, name = place.split(".")
    for section in sections:
        if not isinstance(part.get(section), dict):
            part[section] = {}
        part = part[section]
    if value is REMOVED:
        del part[name]
    else:
        part[name] = copy.deepcopy(value)
    return changed

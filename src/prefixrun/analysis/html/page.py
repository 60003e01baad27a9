"""Everything of the report as one HTML file that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from prefixrun.files import plain_json
from prefixrun.results import display_names

ASSETS = Path(__file__).parent / "assets"

SCRIPTS = ("dom.js", "format.js", "diff.js", "table.js", "runs.js", "costs.js", "examples.js", "pages.js")
"""In the order in which they need each other; together they are one function."""

SECTIONS = (
    ("overview", "Overview"),
    ("tables", "Tables"),
    ("runs", "Runs"),
    ("figures", "Figures"),
    ("examples", "Examples"),
    ("claims", "Claims"),
    ("costs", "Costs"),
    ("provenance", "Provenance"),
)

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(content: Mapping[str, Any], data: object) -> str:
    """The page. `content`: what the template names; `data`: what its scripts read, in JSON's own types."""
    code = script()
    digest = base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
    return (
        _environment()
        .get_template("report.html")
        .render(
            **content,
            sections=SECTIONS,
            style=Markup((ASSETS / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - a file of this package
            script=Markup(code),  # noqa: S704 - files of this package
            script_hash=digest,
            data=Markup(script_json(data)),  # noqa: S704 - has no character that HTML could read as markup
        )
    )


def script() -> str:
    """All scripts as one, exactly as it stands in the page."""
    parts = [(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def script_json(value: object) -> str:
    """JSON that may stand inside a script element: an output with ``</script>`` or ``<!--`` in it stays a text.

    Raises ValueError for NaN, as everything that is written here.
    """
    text = json.dumps(plain_json(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    # A lone surrogate, which a damaged file may hold, has no form in UTF-8.
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"number": number, "duration": duration, "count": count, "value": value, "named": named}
    return environment


def number(amount: float | None) -> str:
    """A whole number with separators; – where it is not known."""
    return "–" if amount is None else f"{amount:,.0f}"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that suits them, as the scripts write it."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.{1 if seconds < 10 else 0}f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"


def count(amount: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def named(name: str, kind: str) -> str:
    """A task, model or method as a reader knows it."""
    return {"task": display_names.of_task, "model": display_names.of_model, "method": display_names.of_method}[kind](
        name
    )


def value(amount: float | None) -> str:
    """What a column is sorted by."""
    return "" if amount is None else str(amount)

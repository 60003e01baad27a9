"""Everything of the report as one HTML file that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from prefixrun.analysis.html.format import duration, number
from prefixrun.config.method_specs import spec_of
from prefixrun.console import count
from prefixrun.errors import MissingPartError
from prefixrun.files import plain_json
from prefixrun.results.display_names import of_method

ASSETS = Path(__file__).parent / "assets"

SCRIPTS = ("diff.js", "tables.js", "examples.js", "page.js")
"""In the order in which they need each other; together they are one module."""

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

MARKS = {
    "o": "●",
    "s": "■",
    "D": "◆",
    "d": "♦",
    "^": "▲",
    "v": "▼",
    "<": "◀",
    ">": "▶",
    "P": "✚",
    "X": "✖",
    "h": "⬢",
    "p": "⬟",
    "*": "★",
}
"""Marker of matplotlib → the sign that looks like it."""

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}

_MARKUP = re.compile(r"<(?=!--|/?script)", re.IGNORECASE)
"""In strings and patterns of a script: what HTML would read as the beginning or end of something."""

_EXPORTS = re.compile(r"export\{([^}]*\b([\w$]+) as default\b[^}]*)\};?")


def render(content: Mapping[str, Any], data: object) -> str:
    """The page. `content`: what the template names; `data`: what its scripts read, in JSON's own types."""
    scripts = (component(), script())
    return (
        environment()
        .get_template("report.html")
        .render(
            **content,
            sections=SECTIONS,
            style=style(),
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - files of this package and of itables
            script_hashes=[_hash(script) for script in scripts],
            data=Markup(script_json(data)),  # noqa: S704 - has no character that HTML could read as markup
        )
    )


def style() -> Markup:
    """The style sheet of every page."""
    return Markup((ASSETS / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - a file of this package


def script() -> str:
    """All scripts of this package as one module, exactly as it stands in the page."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)


@cache
def component() -> str:
    """The DataTables that itables ships, with their licences, as a module that leaves `DataTable` to the next one.

    A module inside a page has no address, so nothing could import from it.
    """
    spec = find_spec("itables")  # does not import it, which would take a second
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError("the report needs the package itables: pip install itables")
    bundle = Path(spec.submodule_search_locations[0]) / "html" / "dt_bundle.js"
    code, replaced = _EXPORTS.subn(r"globalThis.DataTable = \2;", bundle.read_text(encoding="utf-8"))
    if replaced != 1:
        raise MissingPartError(f"{bundle}: exports no DataTable; install the version of itables that prefixrun names")
    return _MARKUP.sub(r"\\x3c", code)


def script_json(value: object) -> str:
    """JSON that may stand inside a script element: an output with ``</script>`` or ``<!--`` in it stays a text.

    Raises ValueError for NaN, as everything that is written here.
    """
    text = json.dumps(plain_json(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    # A lone surrogate, which a damaged file may hold, has no form in UTF-8.
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def mark_of(method: str) -> tuple[str, str]:
    """(sign, colour) of a method in a text: the mark that it has in figures."""
    spec = spec_of(method)
    return MARKS.get(spec.marker, "●"), spec.colour


def _hash(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")


@cache
def environment() -> Environment:
    """Templates of the package, which take every text for a text."""
    environment = Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"number": number, "duration": duration, "count": count, "method": of_method}
    environment.globals |= {"mark_of": mark_of}
    return environment

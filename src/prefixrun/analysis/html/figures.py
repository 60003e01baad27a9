"""Vector figures that stand inside the page: one document, so no two elements may have the same id."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from prefixrun.errors import DamagedStateError

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_DROPPED = ("metadata", "style", "script", "foreignObject", "image", "title")
"""Elements that would act on the rest of the page, carry something foreign into it, or repeat the caption."""

_INHERITED = "stroke-linejoin:round;stroke-linecap:butt"
"""What matplotlib's style element says of everything."""

_LARGER = 1.6
"""Pixels of a screen for each point of paper: labels of 9 points are then about as large as the text around them."""

_REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")


def inline(svg: str, prefix: str, label: str) -> str:
    """An SVG document as an element for HTML: ids begin with `prefix`, and nothing acts on the page.

    `label`: what a screen reader says. Raises DamagedStateError when it is no SVG.
    """
    try:
        root = fromstring(svg)
    except (ParseError, DefusedXmlException) as error:
        raise DamagedStateError(f"figure {prefix}: is no SVG ({error}); make the figures again") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise DamagedStateError(f"figure {prefix}: is no SVG; make the figures again")
    if "viewBox" not in root.attrib:
        width, height = (re.sub(r"[^\d.]", "", root.get(name, "")) for name in ("width", "height"))
        root.set("viewBox", f"0 0 {width or 100} {height or 100}")
    width, height = (f"{float(size) * _LARGER:.0f}" for size in root.attrib["viewBox"].split()[2:])
    root.attrib.update({"width": width, "height": height, "role": "img", "aria-label": label, "style": _INHERITED})
    _clean(root, f"{prefix}-")
    register_namespace("", _SVG)
    return tostring(root, encoding="unicode").replace(' xmlns:ns0="http://www.w3.org/1999/xlink"', "")


def _clean(element: Element, prefix: str) -> None:
    """Drop what does not belong in the page, and give every id, and every mention of one, the prefix."""
    for child in list(element):
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
        if name in (*_DROPPED, "comment"):
            element.remove(child)
        else:
            _clean(child, prefix)
    for name, value in list(element.attrib.items()):
        if name.lower().startswith("on"):
            del element.attrib[name]
        elif name == "id":
            element.set(name, prefix + value)
        elif name in ("href", _LINK):
            del element.attrib[name]
            if value.startswith("#"):
                element.set("href", f"#{prefix}{value[1:]}")
        else:
            element.set(name, _REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value))

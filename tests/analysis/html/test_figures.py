"""Figures become elements of the page without touching the rest of it."""

from xml.etree import ElementTree

import pytest

from prefixrun.analysis.html.figures import inline
from prefixrun.errors import DamagedStateError

FIGURE = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="144pt" height="72pt">
 <metadata><a/></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <!-- a note -->
 <g id="figure_1" onclick="alert(1)"><clipPath id="p1"><rect/></clipPath>
  <path clip-path="url(#p1)" style="clip-path: url('#p1'); fill: #fff"/>
  <use xlink:href="#m1"/><use xlink:href="http://example.org/x.svg#y"/><script>alert(1)</script>
  <text>ours &amp; the paper's</text></g>
</svg>"""


def test_ids_and_what_refers_to_them_get_the_prefix() -> None:
    svg = inline(FIGURE, "low-data", "Low data")
    root = ElementTree.fromstring(svg)  # noqa: S314 - made above
    assert {each.get("id") for each in root.iter() if each.get("id")} == {"low-data-figure_1", "low-data-p1"}
    assert svg.count("url(#low-data-p1)") == 2
    assert [each.get("href") for each in root.iter("{http://www.w3.org/2000/svg}use")] == ["#low-data-m1", None]


def test_it_has_a_name_and_the_size_of_its_place() -> None:
    svg = inline(FIGURE, "f", 'Low "data"')
    assert svg.startswith("<svg ")
    assert 'viewBox="0 0 144 72"' in svg
    assert 'role="img"' in svg
    assert "Low &quot;data&quot;" in svg


def test_nothing_acts_on_the_page() -> None:
    svg = inline(FIGURE, "f", "")
    for foreign in ("<style", "<script", "onclick", "example.org", "metadata", "<!--", "<?xml", "DOCTYPE"):
        assert foreign not in svg
    assert "ours &amp; the paper's" in svg


@pytest.mark.parametrize("text", ["", "<svg", "<html/>", '<!DOCTYPE a [<!ENTITY b "c">]><svg>&b;</svg>'])
def test_what_is_no_figure_is_refused(text: str) -> None:
    with pytest.raises(DamagedStateError, match="figure f: is no SVG"):
        inline(text, "f", "")

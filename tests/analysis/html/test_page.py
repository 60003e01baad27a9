"""The page: one valid document that fetches nothing and takes every text for a text."""

import base64
import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from prefixrun.analysis.html import build, page
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.errors import MissingPartError
from synthetic_records import write_record

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]> & &amp; \"quotes\" 'single'",
    "مطعم النسر \u200f עברית",
    "👩\u200d🍳 €20 \u2028 line \u2029 paragraph",
    "",
]
VOID = {"meta", "link", "input", "br", "hr", "img", "col"}


class Reader(HTMLParser):
    """What a browser would make of the file, as far as these tests ask."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.headings: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        key = "data" if self._is_data() else self.open[-1] if self.open else ""
        self.texts[key] = self.texts.get(key, "") + data
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    def _is_data(self) -> bool:
        return bool(self.open) and self.open[-1] == "script" and self.tags[-1][1].get("id") == "report-data"

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def embedded(html: str) -> Any:
    return json.loads(read(html).texts["data"])


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    results = tmp_path_factory.mktemp("results")
    for seed, method in enumerate(("prefix", "finetune", "adapter")):
        directory = write_record(results, folder="runs", settings={"seed": seed, "method.name": method}, inputs=6)
        lines = [
            {"id": f"test-{i:05d}", "source": f"<i>{text}", "output": text, "references": [text, "<b>other</b>"]}
            for i, text in enumerate(HOSTILE)
        ]
        (directory / "generations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return build(results, None, command="prefixrun report", made="2026-01-02T03:04:05+00:00").html


def test_hostile_outputs_come_back_as_they_were_written(html: str) -> None:
    (one,) = embedded(html)["sets"]
    for outputs in one["outputs"].values():
        assert [one["texts"][position] for position in outputs] == HOSTILE
    assert [one["texts"][position] for position in one["inputs"]] == [f"<i>{text}" for text in HOSTILE]


def test_only_the_scripts_of_the_page_are_elements(html: str) -> None:
    types = [attributes.get("type") for attributes in read(html).named("script")]
    assert types == ["application/json", "module", "module"]
    assert "alert(1)</script>" not in html


def test_the_policy_lets_exactly_these_scripts_run(html: str) -> None:
    reader = read(html)
    policy = next(a["content"] for a in reader.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    scripts = (page.component(), page.script())
    digests = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests) + ";" in policy
    assert all(f'<script type="module">{code}</script>' in html for code in scripts)


@pytest.mark.slow
@pytest.mark.needs("chromium")
@pytest.mark.parametrize(("width", "section", "made"), [(1280, "runs", "dt-container"), (390, "examples", "<ins")])
def test_a_browser_runs_the_page_without_an_error(
    html: str, tmp_path: Path, width: int, section: str, made: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    options = [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},844", "--virtual-time-budget=10000"]
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    done = subprocess.run(
        [*command, "--dump-dom", f"{file.as_uri()}#{section}"], capture_output=True, text=True, check=True, timeout=300
    )
    assert made in done.stdout
    assert f'<a href="#{section}" aria-current="page">' in done.stdout
    assert "CONSOLE" not in done.stderr, "an error of a script, or something that the policy does not let in"


def test_the_table_component_is_whole_and_nothing_in_it_ends_its_element() -> None:
    code = page.component()
    assert "globalThis.DataTable = " in code
    assert "DataTables" in code.rpartition("globalThis.DataTable")[2], "the licences are lost"
    assert not re.search(r"<(!--|/?script)", code, re.IGNORECASE)


def test_without_the_component_the_error_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "find_spec", lambda _: None)
    with pytest.raises(MissingPartError, match="pip install itables"):
        page.component.__wrapped__()


def test_another_release_of_the_component_that_exports_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "dt_bundle.js").write_text("var a=1;export{a as b};")
    package = ModuleSpec("itables", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(page, "find_spec", lambda _: package)
    with pytest.raises(MissingPartError, match="exports no DataTable"):
        page.component.__wrapped__()


def test_nothing_is_fetched(html: str) -> None:
    reader = read(html)
    addresses = [
        value for _, attributes in reader.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(address and address.startswith(("#", "data:")) for address in addresses)
    assert "url(" not in reader.texts["style"]
    assert "@import" not in reader.texts["style"]


def test_headings_and_labels_are_in_order(html: str) -> None:
    reader = read(html)
    levels = [level for level, _ in reader.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [attributes["aria-labelledby"] for _, attributes in reader.tags if "aria-labelledby" in attributes]
    assert set(referred) <= set(ids)
    links = [unquote(a["href"] or "").partition("?")[0] for a in reader.named("a")]
    assert {link[1:] for link in links} <= set(ids)


def test_every_section_has_its_link(html: str) -> None:
    sections = {attributes.get("id") for attributes in read(html).named("section")}
    assert {name for name, _ in page.SECTIONS} == sections - {"run"}


def test_hostile_texts_of_a_record_are_texts(tmp_path: Path) -> None:
    hostile = HOSTILE[0]
    result = {
        "profile": hostile,
        "scores": {hostile: {"value": 1.0, "signature": hostile, "reason": None}},
        "provenance": {"semantics": 1, "command": hostile, "cpu": hostile, "time": hostile},
        "backbone": {"files": hostile, "sha256": hostile},
    }
    for seed in (1, 2):
        write_record(tmp_path, settings={"seed": seed}, result=result)
    html = build(tmp_path, None, command=hostile).html
    assert hostile not in html
    assert len(read(html).named("script")) == 3


def test_tables_scroll_in_their_own_box_and_say_what_they_are(html: str) -> None:
    boxes = [attributes for attributes in read(html).named("div") if attributes.get("class") == "scroll"]
    assert boxes
    assert all(box.get("tabindex") == "0" and box.get("aria-label") for box in boxes)
    assert all(table.get("data-name") for table in read(html).named("table")), "the name of its CSV"


def test_every_marker_of_a_method_has_its_sign() -> None:
    assert {spec.marker for spec in METHOD_SPECS.values()} <= set(page.MARKS)
    assert page.mark_of("finetune") == ("■", METHOD_SPECS["finetune"].colour)


def test_not_a_number_is_refused_and_a_lone_surrogate_is_not_fatal() -> None:
    with pytest.raises(ValueError, match="JSON has no such number"):
        page.script_json({"a": float("nan")})
    assert json.loads(page.script_json(["\ud800x"]))[0].endswith("x")


def test_every_asset_is_used() -> None:
    assert {path.name for path in page.ASSETS.iterdir()} == {
        *page.SCRIPTS,
        "report.css",
        "report.html",
        "inspection.html",
    }

"""The findings in README.md are those of the committed runs today, and its links lead somewhere."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun.results.records import load_records

PAGES = sorted((ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize(("name", "page"), [("readme_findings", "README.md"), ("claims_page", "docs/REPRODUCTION.md")])
def test_the_findings_are_those_of_the_records(name: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (ROOT / page).read_text(encoding="utf-8")
    assert script.updated(text, load_records(ROOT / "results").runs) == text, f"run python scripts/{name}.py {page}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target

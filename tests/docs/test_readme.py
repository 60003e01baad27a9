"""The findings in README.md are those of the committed runs today, and its links lead somewhere."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun.analysis.claims import evaluate
from prefixrun.results.records import load_records

PAGES = sorted((ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


def test_the_findings_are_those_of_the_records() -> None:
    spec = spec_from_file_location("readme_findings", ROOT / "scripts" / "readme_findings.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    findings = evaluate(load_records(ROOT / "results").runs)
    assert script.updated(page, findings) == page, "run python scripts/readme_findings.py README.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target

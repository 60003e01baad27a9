"""The page of parameter counts is what its script writes now."""

import runpy

from checkout import ROOT


def test_the_committed_page_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "parameter_counts.py"))["page"]()
    committed = (ROOT / "docs" / "PARAMETERS.md").read_text(encoding="utf-8")
    assert committed == page, "run: python scripts/parameter_counts.py docs/PARAMETERS.md"

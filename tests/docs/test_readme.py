"""The findings in README.md are those of the committed runs today, and its links lead somewhere."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from checkout import ROOT
from prefixrun.results.records import load_records
from prefixrun.runs.run import RECORDS
from synthetic_records import write_record

PAGES = sorted((ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize(("name", "page"), [("readme_findings", "README.md"), ("claims_page", "docs/REPRODUCTION.md")])
def test_the_findings_are_those_of_the_records(name: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = script_called(name, monkeypatch)
    text = (ROOT / page).read_text(encoding="utf-8")
    records = load_records(ROOT / "results", (RECORDS,)).runs  # whatever runs lie beside them
    assert script.updated(text, records) == text, f"run python scripts/{name}.py {page}"


def test_probes_of_depth_and_other_numbers_of_inputs_do_not_replace_the_comparison_of_methods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = script_called("claims_page", monkeypatch)
    monkeypatch.delitem(script.COMPARED, "xsum")  # of which there are no synthetic records
    markers = [
        script.MARKERS,
        script.COSTS,
        *(
            (f"<!-- methods {task}: scripts/claims_page.py -->", f"<!-- /methods {task} -->")
            for task in script.COMPARED
        ),
    ]
    empty = "\n".join(f"{begin}\n{end}" for begin, end in markers)
    steps = {"e2e": 100, "webnlg": 120, "dart": 120}
    pages = []
    probes = (
        {},
        {"model.layers": 10, "model.name": "smollm2_135m_first10"},
        {"decode.beams": 1, "test_size": 30},
        {"test_size": 400},
    )
    for probe in probes:
        for task, (_, inputs, precision) in script.COMPARED.items():
            for method in ("prefix", "finetune"):
                training = {"task.name": task, "train.max_steps": steps[task], "precision": precision}
                settings = {"method.name": method, **training, **probe}
                scored = probe.get("test_size", inputs)
                write_record(tmp_path, settings=settings, inputs=scored, quality=0.3 if probe else 0.6)
        pages.append(script.updated(empty, load_records(tmp_path).runs).partition("<!-- methods")[2])
    assert "| fine-tuning" in pages[0]
    assert pages == [pages[0]] * len(probes)


def script_called(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script as a module."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target

"""The Python of the documents is executed, with a run that takes seconds in place of theirs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from small_run import SMALL

SETTINGS = "task=e2e prefix_len=10"


def blocks(document: Path) -> list[str]:
    """The Python code of a page or a notebook."""
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".ipynb":
        return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)


@pytest.mark.parametrize("name", ["PYTHON.md", "prefix_in_transformers.ipynb"])
def test_the_python_of_a_document_runs(name: str, tmp_path: Path) -> None:
    code = blocks(ROOT / "docs" / name)
    small = [*SMALL, "model=tiny_llama", "decode.ban_newlines=false", f"results_dir={tmp_path}"]
    assert sum(SETTINGS in block for block in code) == 1
    namespace: dict[str, Any] = {}
    for block in code:
        exec(block.replace(f'"{SETTINGS}"', repr(" ".join(small))), namespace)  # noqa: S102 - our own documents
    assert namespace["run"].directory.is_relative_to(tmp_path)


def test_the_notebook_is_stored_without_outputs() -> None:
    notebook = json.loads((ROOT / "docs" / "prefix_in_transformers.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)

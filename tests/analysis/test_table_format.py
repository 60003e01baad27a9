"""The paper's tables as Markdown, LaTeX and CSV."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.paper_tables import paper_tables
from prefixrun.analysis.table_format import as_csv, as_latex, as_markdown, file_name, mean_sd, number, signed
from prefixrun.results.records import load_records
from synthetic_records import groups_in, write_record

PAPERS: dict[str, Any] = {"model.name": "gpt2_medium", "prefix_len": 5}
"""The paper's own setting."""


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (lambda: number(68.47, 1), "68.5"),
        (lambda: signed(-0.25, 1), "−0.2"),
        (lambda: signed(0.04, 1), "+0.0"),
        (lambda: mean_sd(estimate([68.0, 69.0]), 1), "68.5 ± 0.7"),
        (lambda: mean_sd(estimate([68.0]), 2), "68.00"),
        (lambda: file_name(paper_tables([])[0]), "acl_table_2"),
    ],
)
def test_numbers_and_names(of: Callable[[], str], text: str) -> None:
    assert of() == text


def test_all_forms_say_the_same(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        write_record(tmp_path, settings={**PAPERS, "seed": seed}, stored=245_760)
    table = paper_tables(groups_in(tmp_path))[0]
    bleu = next(cell.ours for row in table.sections[0].rows for cell in row.cells[:1] if row.group)
    assert bleu is not None
    assert bleu.sd is not None
    number = f"{bleu.mean:.1f} ± {bleu.sd:.1f}"
    assert number in as_markdown(table)
    assert number.replace("±", r"$\pm$") in as_latex(table)
    assert r"adapter 3\%" in as_latex(table)
    (line,) = [line for line in as_csv(table).splitlines() if ",BLEU," in line and ",3,3," in line]
    assert f"{bleu.mean:.6g},{bleu.sd:.6g}" in line
    assert all(run.run_id in line for run in load_records(tmp_path).runs)

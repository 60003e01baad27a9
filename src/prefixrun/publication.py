"""From records to the files of results/tables and results/figures. The same records give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefixrun import table_format
from prefixrun.files import make_directory, write_text
from prefixrun.grid import latex, markdown
from prefixrun.method_tables import as_csv as methods_csv
from prefixrun.method_tables import grid as method_grid
from prefixrun.method_tables import method_tables
from prefixrun.paper_tables import SEEDS, Version, paper_tables
from prefixrun.points import points
from prefixrun.records import Record


def tables(records: Sequence[Record], version: Version = "ACL", seeds: int = SEEDS) -> dict[str, str]:
    """File name → content of everything under tables/. Raises DataError for scores that cannot share a column."""
    found = points(records)
    files = {}
    for table in paper_tables(found, version):
        name = table_format.file_name(table)
        files[f"{name}.md"] = table_format.as_markdown(table, seeds)
        files[f"{name}.tex"] = table_format.as_latex(table, seeds)
        files[f"{name}.csv"] = table_format.as_csv(table, seeds)
    compared = method_tables(found)
    intro = (
        "# Methods compared\n\nEvery point beside the reference of its task, model, corpus and number of training "
        "pairs. Written by `prefixrun tables`.\n"
    )
    grids = [method_grid(table) for table in compared]
    files["methods.md"] = "\n".join((intro, *(markdown(each) for each in grids)))
    files["methods.tex"] = "\n".join(latex(each) for each in grids)
    files["methods.csv"] = methods_csv(compared)
    return files


def publish(records: Sequence[Record], out: Path, *, version: Version = "ACL", seeds: int = SEEDS) -> list[Path]:
    """Write tables/ and figures/ below `out` and return the files."""
    contents = tables(records, version, seeds)
    directory = make_directory(out / "tables")
    return [write_text(directory / name, text, root=out) for name, text in contents.items()]

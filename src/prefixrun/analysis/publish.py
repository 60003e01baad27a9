"""From records to the files of results/tables and results/figures. The same records give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from prefixrun.analysis import claims, open_plots, open_questions, table_format
from prefixrun.analysis.claim_table import claim_table
from prefixrun.analysis.curves import figures
from prefixrun.analysis.drawn import ENDINGS, FILE, fingerprint, fingerprints, is_there
from prefixrun.analysis.figure_types import Figure
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.method_tables import as_csv as methods_csv
from prefixrun.analysis.method_tables import as_texts, method_tables
from prefixrun.analysis.open_plots import Picture
from prefixrun.analysis.paper_tables import SEEDS, Version, paper_tables
from prefixrun.analysis.plots import draw
from prefixrun.analysis.text_table import latex, markdown
from prefixrun.files import inside, make_directory, remove, write_bytes
from prefixrun.results.record import Record
from prefixrun.results.records import Records


def tables(records: Sequence[Record], version: Version = "ACL", seeds: int = SEEDS) -> dict[str, str]:
    """File name → content of everything under tables/. Raises DataError for scores that cannot share a column."""
    groups = run_groups(records)
    files = {}
    for table in paper_tables(groups, version):
        name = table_format.file_name(table)
        files[f"{name}.md"] = table_format.as_markdown(table, seeds)
        files[f"{name}.tex"] = table_format.as_latex(table, seeds)
        files[f"{name}.csv"] = table_format.as_csv(table, seeds)
    compared = method_tables(groups)
    intro = (
        "# Methods compared\n\nEvery setting beside the reference of its task, model, corpus and amount of "
        "training. Of several runs: means, and medians of tokens, time and memory. Written by `prefixrun tables`.\n"
    )
    texts = [as_texts(table) for table in compared]
    files["methods.md"] = "\n".join((intro, *(markdown(table) for table in texts)))
    files["methods.tex"] = "\n".join(latex(table) for table in texts)
    files["methods.csv"] = methods_csv(compared)
    findings = claims.evaluate(records)
    files["claims.md"] = claims.markdown(findings, claim_table(findings))
    if answers := open_questions.page(open_questions.answers(records)):
        files[ANSWERS] = answers
    return files


def all_figures(records: Sequence[Record]) -> dict[str, tuple[Figure | Picture, str]]:
    """Name → everything under figures/, with its fingerprint."""
    of_methods = {figure.name: (figure, fingerprint(figure)) for figure in figures(run_groups(records))}
    of_questions = open_questions.pictures(open_questions.answers(records))
    return of_methods | {picture.name: (picture, open_plots.fingerprint(picture)) for picture in of_questions}


ANSWERS = "open_questions.md"
"""Name of the tables of open questions, which are there where some run speaks to one."""

LIST = "README.md"
"""Name of the list of figures, which the forges of code show below the directory."""

OWN = "own"
"""Directory of the tables and figures that have runs beside the committed records in them."""


def publish_all(records: Records, out: Path, *, version: Version = "ACL", seeds: int = SEEDS) -> list[Path]:
    """Publish the committed records below `out`, and all runs below `out`/own where there are others beside them: what
    is in version control changes with the records alone. Without committed records all runs are published below `out`.
    """
    committed = records.committed()
    if not committed.runs:
        return publish(records.runs, out, version=version, seeds=seeds)
    written = publish(committed.runs, out, version=version, seeds=seeds)
    if committed.runs != records.runs:
        return written + publish(records.runs, out / OWN, version=version, seeds=seeds)
    for name in _published(out / OWN):
        remove(inside(out / OWN, Path(name)))
    return written


def publish(records: Sequence[Record], out: Path, *, version: Version = "ACL", seeds: int = SEEDS) -> list[Path]:
    """Write tables/ and figures/ below `out` and return the files; nothing is written before all is made.

    Figures whose content has not changed stay as they are (drawn.py). Figures and tables of open questions that the
    runs no longer make are deleted, and so are the paper's tables of the version that was not asked for, whose numbers
    would be those of other runs.
    Raises DataError for scores that cannot share a column or a figure.
    """
    contents = {f"tables/{name}": text.encode("utf-8") for name, text in tables(records, version, seeds).items()}
    before, there = fingerprints(out / "figures"), _published(out)
    shown = all_figures(records)
    unchanged = []
    for name, (figure, now) in shown.items():
        if before.get(name) == now and is_there(out / "figures", name):
            unchanged += [f"figures/{name}.{ending}" for ending in ENDINGS]
        else:
            drawn = open_plots.draw(figure) if isinstance(figure, Picture) else draw(figure)
            contents |= {f"figures/{name}.{ending}": data for ending, data in drawn.items()}
    if shown:
        listed = json.dumps({name: now for name, (_, now) in shown.items()}, sort_keys=True, indent=2)
        contents[f"figures/{FILE}"] = f"{listed}\n".encode()
        contents[f"figures/{LIST}"] = figure_list([figure for figure, _ in shown.values()]).encode()
    for directory in {(out / name).parent for name in contents}:
        make_directory(directory)
    for name, data in contents.items():
        write_bytes(Path(name), data, root=out)
    for name in set(there).difference(contents, unchanged):
        remove(inside(out, Path(name)))
    return [out / name for name in (*contents, *unchanged)]


def figure_list(shown: Sequence[Figure | Picture]) -> str:
    """Every figure with its title and caption, as Markdown: what the pictures themselves do not say."""
    intro = "# Figures\n\nDrawn from the records. Written by `prefixrun tables`.\n"
    entries = (f"## {figure.title}\n\n![{figure.title}]({figure.name}.svg)\n\n{figure.caption}\n" for figure in shown)
    return "\n".join((intro, *entries))


def _published(out: Path) -> list[str]:
    """What an earlier `publish` has left below `out`: tables, those of either version of the paper, and figures."""
    starts = (*(f"{version.lower()}_table_" for version in get_args(Version)), "methods.", "claims.", ANSWERS)
    tables_there = [f"tables/{path.name}" for path in (out / "tables").glob("*.*") if path.name.startswith(starts)]
    before = fingerprints(out / "figures")
    figures_there = [f"figures/{name}.{ending}" for name in before for ending in ENDINGS]
    lists = [f"figures/{name}" for name in (FILE, LIST)] if before else []
    return [*tables_there, *figures_there, *lists]

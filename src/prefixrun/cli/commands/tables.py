"""prefixrun tables [results_dir=results] [out=DIR] [version=ACL] [seeds=3]

The paper's tables with our runs beside every number, and what the runs say about the paper's claims.

  results_dir  directory with records/ (committed results) and runs/ (results of this machine)
  out          directory under which tables/ and figures/ are written (that of results_dir)
  version      which version's tables: ACL (the published one) or v1 (arXiv)
  seeds        how many runs a cell wants; cells with fewer say so

Writes tables/*.md, *.tex and *.csv and figures/*.png and *.svg: from records/ alone where there are any, and then from
them and runs/ together below own/. Runs on the sample corpus and on random weights stand in no table of the paper.
Records that cannot be used are named with the reason. The same records give the same bytes.
"""

from typing import get_args

from prefixrun.analysis.paper_tables import SEEDS, Version
from prefixrun.analysis.publish import publish_all
from prefixrun.cli.arguments import checked_directory, path_of, results_dir, whole_number
from prefixrun.console import count, print_error, print_text
from prefixrun.errors import ConfigError
from prefixrun.results.records import load_records, with_usable_counts

MOST_SEEDS = 1000


def run(arguments: dict[str, str]) -> int:
    """Write everything; the paths are printed. Returns 0."""
    version = arguments.get("version", "ACL")
    if version not in get_args(Version):
        raise ConfigError(f"version={version}: must be one of {', '.join(get_args(Version))}")
    seeds = whole_number("seeds", arguments.get("seeds", str(SEEDS)), 2, MOST_SEEDS)
    tree = checked_directory("results_dir", results_dir(arguments))
    records = with_usable_counts(load_records(tree))
    for run in records.skipped:
        print_error(f"left out: {run.directory}: {run.reason}")
    out = path_of(arguments, "out") or tree
    written = publish_all(records, out, version="v1" if version == "v1" else "ACL", seeds=seeds)
    print_text(f"{count(len(records.runs), 'record')}, {len(records.skipped)} left out")
    for path in written:
        print_text(str(path))
    return 0

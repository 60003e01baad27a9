"""prefixrun report [results_dir=results] [out=results/report.html] [data_dir=DIR]

Everything that was run as one HTML file that needs no network: the paper's tables with ours beside them, every run,
figures, outputs side by side with their differences, costs, provenance, and the paper's claims.

  results_dir  directory with records/ and runs/ (results)
  out          the file to write (report.html in results_dir)
  data_dir     directory of the real corpora, holding TASK/: inputs and references for committed records, which keep
               outputs alone. The file then has texts of the corpora in it, under their licences
"""

import sys

from prefixrun.analysis.html import build
from prefixrun.cli.arguments import check_out, checked_directory, directory, path_of, results_dir
from prefixrun.console import count, print_text
from prefixrun.files import write_text
from prefixrun.runs.provenance import command


def run(arguments: dict[str, str]) -> int:
    """Write the file and say what is in it. Raises ConfigError when a directory that was named is not there."""
    tree = checked_directory("results_dir", results_dir(arguments))
    data_dir = directory(arguments, "data_dir")
    out = path_of(arguments, "out") or tree / "report.html"
    check_out({"out": str(out)})
    built = build(tree, data_dir, command=command(sys.argv))
    write_text(out, built.html)
    print_text(f"{out}: {count(built.runs, 'run')}, {len(built.html.encode()) / 1e6:.1f} MB")
    for what, why in built.skipped:
        print_text(f"left out: {what}: {why}")
    return 0

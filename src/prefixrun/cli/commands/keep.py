"""prefixrun keep run=ID,ID [results_dir=results] [into=DIR]

Copies finished runs from results_dir/runs/ to records/, in the small form that is committed and that tables are made
from: result.json, the outputs without inputs and references, and the counts behind the scores.

  run          ids of runs or their beginnings, or all
  results_dir  directory with runs/ (results)
  into         directory whose records/ they go to (that of results_dir)

What was trained is not copied. Of a run whose training diverged config.json and failed.json are, which tables count
against its setting. A record that is there already is left as it is; one that says something else is an
error, and then nothing is copied; with run=all such runs are left out with the reason.
"""

from prefixrun.cli.arguments import path_of, results_dir, run_names
from prefixrun.console import print_error, print_text
from prefixrun.errors import DataError


def run(arguments: dict[str, str]) -> int:
    """Copy and print the records. Returns 0. Raises DataError when there is no such run."""
    # It imports pandas, which takes a second.
    from prefixrun.results.archive import ALL, archive_diverged, archive_runs, select_runs

    tree = results_dir(arguments)
    into = path_of(arguments, "into") or tree
    names = run_names(arguments)
    selected = select_runs(tree, names)
    if not selected.runs and not selected.diverged:
        raise DataError(f"{tree / 'runs'}: has no finished run; give results_dir=DIR")
    left_out = list(selected.skipped) if names == [ALL] else None
    records = archive_runs(selected.runs, into, left_out=left_out)
    for record in (*records, *archive_diverged(selected.diverged, into)):
        print_text(f"{record.directory}{'' if record.is_new else '  (there before)'}")
    for left in left_out or ():
        print_error(f"left out: {left.directory}: {left.reason}")
    return 0

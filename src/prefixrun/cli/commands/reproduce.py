"""The paper's experiments: run what is missing, then write tables, figures, claims and the report.

    prefixrun reproduce [data_dir=DIR] [profile=NAME] [experiment=NAME,NAME] [only_tables=true] [results_dir=DIR]

  data_dir     directory of the real corpora, holding TASK/
  profile      size of the runs: quick, laptop or paper (laptop with a data_dir, else quick)
  experiment   files of conf/experiment, one for each table and figure of the paper (all but the open_... ones)
  only_tables  true: run nothing, only read what is finished
  results_dir  directory with records/ and runs/, where all results go (results; results/quick under profile=quick)

and further overrides of a sweep: any key of a run (model=..., seed=1,2), and hydra/launcher=... to spread the runs.

The plan with its time is shown first. Finished runs are not run again, so the same command goes on after an
interruption; runs that fail are named at the end and do not stop the others. A summary counts the verdicts of all
tables and claims. The exit code is that of a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.cli.arguments import parse_some
from prefixrun.cli.reproduction import KEYS, make_request, reproduce


def run(arguments: Sequence[str]) -> int:
    """Reproduce. Returns the exit code of the sweep, or 0 with only_tables=true."""
    values, overrides = parse_some(arguments, KEYS)
    return reproduce(make_request(values, overrides))

"""prefixrun verify ID [regenerate=8] [results_dir=results] [data_dir=DIR] [model_path=DIR] [json=FILE]

Whether a finished run still is what it says, one line a check: that settings, data and model give its id; that model
and trained file are whole; that its outputs are complete, their inputs those of the corpus, their scores those that are
stored; that the stored counts give them too; and that the trained file writes some of the outputs again.

  ID           the run's id (or as much of it as is unique), or its directory
  regenerate   for how many inputs outputs are generated again; 0 for none (8)
  results_dir  directory with records/ and runs/ (results)
  data_dir     directory of the real corpora: inputs and references of committed records, which keep outputs alone
  model_path   where the model is now, for a run that was made with model=path
  json         also write the checks to this file

What is not on this machine (corpus, model, Java) is shown as not checked. Exit code 5 if something is wrong.
"""

from __future__ import annotations

from dataclasses import asdict

from prefixrun.cli.arguments import check_out, directory, path_of, results_dir, whole_number
from prefixrun.console import print_text
from prefixrun.errors import DamagedStateError
from prefixrun.files import write_json
from prefixrun.results.lookup import find
from prefixrun.results.verify import REGENERATED, verify

MOST = 10**6
"""Outputs that are generated again; no corpus has more."""


def run(arguments: dict[str, str]) -> int:
    """Print, and write when asked, the checks; 0 when nothing is wrong, else 5. Raises ConfigError, DataError."""
    count = whole_number("regenerate", arguments.get("regenerate", str(REGENERATED)), 0, MOST)
    check_out(arguments)
    data_dir = directory(arguments, "data_dir")
    record = find(results_dir(arguments), arguments["ID"])
    checks = []
    for check in verify(record, data_dir=data_dir, regenerate=count, model_path=arguments.get("model_path")):
        print_text(f"{check.outcome:<11}  {check.what}: {' '.join(check.detail.split())}")
        checks.append(check)
    outcomes = [check.outcome for check in checks]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes))
    print_text(f"\nrun {record.run_id}: {counts}")
    if out := path_of(arguments, "json"):
        write_json(out, {"run_id": record.run_id, "checks": [asdict(check) for check in checks]})
    return DamagedStateError.exit_code if "wrong" in outcomes else 0

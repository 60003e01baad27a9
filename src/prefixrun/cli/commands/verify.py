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
from pathlib import Path

from prefixrun.console import print_text
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.files import write_json
from prefixrun.results.lookup import find
from prefixrun.results.verify import REGENERATED, verify


def run(arguments: dict[str, str]) -> int:
    """Print, and write when asked, the checks; 0 when nothing is wrong, else 5. Raises ConfigError, DataError."""
    count = arguments.get("regenerate", str(REGENERATED))
    if not (count.isascii() and count.isdigit()):
        raise ConfigError(f"regenerate={count}: must be a whole number, 0 for none")
    data_dir = Path(arguments["data_dir"]).expanduser() if "data_dir" in arguments else None
    if data_dir is not None and not data_dir.is_dir():
        raise ConfigError(f"data_dir={data_dir}: there is no such directory")
    record = find(Path(arguments.get("results_dir", "results")).expanduser(), arguments["ID"])
    checks = []
    for check in verify(record, data_dir=data_dir, regenerate=int(count), model_path=arguments.get("model_path")):
        print_text(f"{check.outcome:<11}  {check.what}: {' '.join(check.detail.split())}")
        checks.append(check)
    outcomes = [check.outcome for check in checks]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes))
    print_text(f"\nrun {record.run_id}: {counts}")
    if "json" in arguments:
        content = {"run_id": record.run_id, "checks": [asdict(check) for check in checks]}
        write_json(Path(arguments["json"]).expanduser(), content)
    return DamagedStateError.exit_code if "wrong" in outcomes else 0

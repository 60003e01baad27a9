"""`python -m benchmarks [train|decode|curve|all] [key=value ...]`; the keys are the fields of plan.Plan."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.plan import Plan, parse
from prefixrun import files
from prefixrun.console import terminal
from prefixrun.errors import ConfigError, MissingPartError, PrefixrunError


def main(arguments: Sequence[str]) -> int:
    """Measure, show, write. Returns the exit code."""
    try:
        plan = parse(arguments)
        _check(plan)
        from benchmarks import measure, report  # import PEFT, whose absence _check reports

        console = terminal()
        with tempfile.TemporaryDirectory() as scratch:
            results = measure.measure(plan, scratch, lambda line: console.print(line, markup=False, soft_wrap=True))
        report.show(results, console)
        if plan.json:
            files.write_json(Path(plan.json), report.record(results, arguments))
    except PrefixrunError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return error.exit_code
    return 0


def loses_prefix() -> bool:
    """Whether PEFT gives the cache of the installed transformers under a name that is not read."""
    from prefixrun.models.transformers_names import CACHE

    return CACHE == "cache"


def _check(plan: Plan) -> None:
    """Say at once what would otherwise be an error after minutes."""
    missing = [name for name in ("peft", "accelerate") if find_spec(name) is None]
    if missing:
        raise MissingPartError(
            f"the peer needs {' and '.join(missing)}: pip install 'prefixrun[peft]' (make setup does it)"
        )
    if plan.peers != "none" and loses_prefix():
        raise MissingPartError(
            "the peer: with transformers 5.24 and later PEFT leaves its prefix out of generate(), so nothing can be "
            "compared; pip install 'transformers<5.24' for the benchmark"
        )
    if plan.json and not Path(plan.json).absolute().parent.is_dir():
        raise ConfigError(f"json={plan.json}: its directory does not exist")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

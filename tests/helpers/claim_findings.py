"""What records say about the claims, for the tests of the rules and of the claims."""

from functools import partial
from pathlib import Path

from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.results.records import load_records
from synthetic_records import write_runs

write_four = partial(write_runs, seeds=range(4), inputs=200)
"""Four seeds on enough inputs for clear differences."""


def findings(directory: Path) -> dict[str, Finding]:
    """Name of the claim → what the records of a results tree say."""
    return {each.claim.name: each for each in evaluate(load_records(directory).runs)}

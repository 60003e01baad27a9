"""Which meanings of results are one."""

from prefixrun.runs.version import SAME_RUNS_AS, SEMANTICS, meaning_of_runs


def test_runs_keep_their_meaning_where_only_rounding_or_scores_changed() -> None:
    assert [meaning_of_runs(semantics) for semantics in (None, 1, 2, SEMANTICS)] == [None, 1, 1, 1]
    assert meaning_of_runs(SEMANTICS + 1) == SEMANTICS + 1  # of a later version: nothing is known of it
    assert all(earlier not in SAME_RUNS_AS for earlier in SAME_RUNS_AS.values())

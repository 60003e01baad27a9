"""Which verb a command line begins with."""

import pytest

from prefixrun.cli.verbs import named


@pytest.mark.parametrize(
    ("arguments", "verb"),
    [
        (["score", "task=e2e"], "score"),
        (["data", "check"], "data check"),
        (["data"], None),
        (["task=e2e"], None),
        ([], None),
    ],
)
def test_the_verb_that_arguments_begin_with(arguments: list[str], verb: str | None) -> None:
    assert named(arguments) == verb

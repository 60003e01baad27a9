"""What shells are told that Hydra does not know."""

import pytest

from prefixrun.cli.completion import completions
from prefixrun.cli.verbs import VERBS


@pytest.mark.parametrize(
    ("line", "words", "rest"),
    [
        ("prefixrun ta", ["tables"], "prefixrun ta"),
        ("prefixrun ", [*dict.fromkeys(name.split()[0] for name in VERBS)], "prefixrun "),
        ("prefixrun report o", ["out="], None),
        ("prefixrun report out=x ", ["results_dir=", "data_dir="], None),
        ("prefixrun data d", ["download"], None),
        ("prefixrun plan prefix_len=5 de", [], "prefixrun prefix_len=5 de"),
        ("prefixrun task=e2e de", [], "prefixrun task=e2e de"),
    ],
)
def test_verbs_and_their_keys_are_completed(line: str, words: list[str], rest: str | None) -> None:
    assert completions(line) == (words, rest)

"""The list of claims, and the numbers of the paper in it."""

import re

import pytest

from prefixrun.analysis.claim_list import CLAIMS, Claim
from prefixrun.analysis.claim_rules import Comparison
from prefixrun.analysis.paper_numbers import CONTENTS, load


def test_every_claim_of_the_list_is_there_and_said_in_one_sentence() -> None:
    assert [claim.name for claim in CLAIMS] == [f"C{number}" for number in range(1, 25)]
    for claim in CLAIMS:
        assert claim.statement.endswith(".")
        assert claim.needs
        assert not claim.needs.endswith(".")


def test_much_better_or_worse_is_by_more_than_the_margin() -> None:
    kinds = {claim.name: {rule.kind for rule in claim.rules if isinstance(rule, Comparison)} for claim in CLAIMS}
    much = {claim.name for claim in CLAIMS if " much " in claim.statement}
    assert {name for name, kind in kinds.items() if kind == {"clearly more"}} == much == {"C15", "C17"}


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS if re.match("BLEU|ROUGE", claim.paper)], ids=lambda each: each.name
)
def test_scores_of_the_paper_are_those_of_its_tables(claim: Claim) -> None:
    tables = [content for content in CONTENTS if content not in ("data_statistics", "running_text")]
    printed = {
        cell.printed for content in tables for row in load(content) if row.version == "ACL" for cell in row.cells
    }
    numbers = re.findall(r"(?<![\d.])\d*\.\d+(?! %)", claim.paper)
    assert numbers
    assert {float(number) for number in numbers} <= {float(number) for number in printed}

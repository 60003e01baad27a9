"""Training that counts as equal, and the exception of the paper's own."""

from pathlib import Path

import pytest

from claim_findings import LOW, THREE, findings, other, prefix, write_sides
from prefixrun.analysis.equal_training import pairs_trained
from prefixrun.analysis.groups import run_groups
from prefixrun.results.records import load_records

FULL = {"train.epochs": 5}
SUBSAMPLED = {**LOW, "seeds": (1,), "subsamples": THREE}


def test_the_papers_own_steps_are_equal_training(tmp_path: Path) -> None:
    """Each method by Table 8: 200 steps for prefixes and 100 for fine-tuning, both choosing their best state."""
    own = {**SUBSAMPLED, "train.epochs": 100, "train.batch_size": 10, "train.keep": "best"}
    for size, steps in ((50, (200, 100)), (100, (200, 100))):
        write_sides(
            tmp_path,
            prefix(**own | {"train_size": size, "train.max_steps": steps[0]}),
            other("finetune", **own | {"train_size": size, "train.max_steps": steps[1]}),
        )
    (evidence,) = findings(tmp_path)["C8"].evidence
    assert evidence.outcome == "holds"
    assert "the paper's own training, 2,000 pairs against 1,000" in evidence.text
    write_sides(tmp_path / "near", *(
        side
        for size in (50, 100)
        for side in (
            prefix(**own | {"train_size": size, "train.max_steps": 200}),
            other("finetune", **own | {"train_size": size, "train.max_steps": 120}),
        )
    ))  # fmt: skip
    (evidence,) = findings(tmp_path / "near")["C8"].evidence
    assert evidence.outcome == "unequal"


def test_the_papers_own_epochs_do_not_excuse_another_choice_of_the_state(tmp_path: Path) -> None:
    write_sides(tmp_path, prefix(**FULL, **{"train.keep": "best"}), other("finetune", **FULL))
    (evidence,) = findings(tmp_path)["C2"].evidence
    assert evidence.outcome == "unequal"
    assert "checkpoint of the lowest development loss against last checkpoint" in evidence.text


@pytest.mark.parametrize(("share", "epochs", "outcome"), [(0.03, 10, "unequal"), (0.03, 5, "holds")])
def test_adapters_of_3_per_cent_have_five_epochs_in_the_paper(
    tmp_path: Path, share: float, epochs: int, outcome: str
) -> None:
    """Those of 0.1 % have ten on E2E."""
    total = 134_515_008
    size = {"result": {"parameters": {"trained": 1, "stored": int(share * total), "total": total}}}
    write_sides(tmp_path, prefix(**FULL), other("adapter", **size, **FULL | {"train.epochs": epochs}))
    (evidence,) = findings(tmp_path)["C3"].evidence
    assert evidence.outcome == outcome


def test_rows_of_other_numbers_of_targets_are_not_equal_training(tmp_path: Path) -> None:
    """A batch of 16 pairs in rows of up to four is seldom full."""
    steps = {"train.max_steps": 100, "train.batch_size": 16}
    write_sides(
        tmp_path,
        prefix(**steps, **{"train.targets_per_row": 4}),
        other("finetune", **steps, **{"train.targets_per_row": 1}),
    )
    (evidence,) = findings(tmp_path)["C2"].evidence
    assert (evidence.outcome, "rows of 4 targets against 1" in evidence.text) == ("unequal", True)


def test_the_last_batch_of_an_epoch_is_short(tmp_path: Path) -> None:
    """50 pairs: six batches of 20 are 100 pairs trained on, twelve of 10 are 120."""
    low = {**SUBSAMPLED, "train_size": 50, "train.keep": "best"}
    write_sides(
        tmp_path,
        prefix(**low, **{"train.batch_size": 20, "train.max_steps": 6}),
        other("finetune", **low, **{"train.batch_size": 10, "train.max_steps": 12}),
    )
    groups = run_groups(load_records(tmp_path).runs)
    assert sorted(map(pairs_trained, groups)) == [100, 120]

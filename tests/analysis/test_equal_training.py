"""Training that counts as equal, and the exception of the paper's own."""

from pathlib import Path

from claim_findings import LOW, THREE, findings, other, prefix, write_sides

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

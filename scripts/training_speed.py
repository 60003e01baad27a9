"""Time of a training step with prefixes of three lengths, nested and with fine-tuning, in alternating rounds.

python scripts/training_speed.py [results/measurements/training_speed.json]

The paper says that prefix-tuning trains about 30 % faster than fine-tuning (ACL, appendix) and that long prefixes cost
almost no speed. Times of whole runs are wall time, in which other programs of the machine have their part; this is
processor time of one thread, of the sample corpus of E2E, and every round has all sides on the same batches, so that
what slows the machine down slows them alike. Rounds have seeds of their own, with which nested training draws other
lengths. What claims C14 and C21 say comes from the file, see analysis/claim_measurements.py.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from prefixrun import data, methods
from prefixrun.config.compose import compose
from prefixrun.files import write_json
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, tokenise
from prefixrun.runs.prepare import load_backbone
from prefixrun.runs.provenance import provenance
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import Pending
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Trainer

SIDES: dict[str, list[str]] = {
    "prefix 1": ["method=prefix", "prefix_len=1"],
    "prefix 10": ["method=prefix", "prefix_len=10"],
    "prefix 40": ["method=prefix", "prefix_len=40"],
    "prefix 40, nested": ["method=prefix", "prefix_len=40", "method.nested=true"],
    "finetune": ["method=finetune"],
}
STEPS = 3
"""Of each side in a round, behind one that is not counted."""
ROUNDS = 5
"""Fixed beforehand."""


def main(out: Path, model: str = "smollm2_135m") -> None:
    """Measure and write one file."""
    common = [f"model={model}", "task=e2e", "threads=1", "train.batch_size=16", "train.targets_per_row=4"]
    common += ["train.eval_examples=0", "train.warmup_steps=0"]
    common += [f"train.{key}={STEPS + 1}" for key in ("max_steps", "checkpoint_every")]
    backbone = load_backbone(compose(common))
    pairs = tokenise(data.load("e2e", "train", None).all_pairs(), backbone.tokenizer)
    rounds = [
        {side: _seconds(backbone, pairs, [*common, *choices, f"seed={seed}"]) for side, choices in SIDES.items()}
        for seed in range(ROUNDS)
    ]
    config = compose(common)
    write_json(
        out,
        {
            "model": model,
            "precision": config.precision,
            "batch_size": config.train.batch_size,
            "targets_per_row": config.train.targets_per_row,
            "steps": STEPS,
            "seconds": rounds,
            "provenance": provenance(["python", "scripts/training_speed.py"], threads=1),
        },
    )
    print(f"seconds {rounds}")


def _seconds(backbone: Backbone, pairs: list[PairIds], overrides: list[str]) -> float:
    """Processor time of the counted steps, of the same batches for every side. A prefix stays at its random start."""
    config, ends = compose(overrides), list[float]()

    def report(_progress: Progress, _steps: int, _loss: float) -> None:
        ends.append(time.process_time())

    with tempfile.TemporaryDirectory() as directory:
        method = methods.build(config, backbone)
        trainer = Trainer(
            method, backbone, pairs, [], config.train, seed=config.seed, checkpoints=Checkpoints(Path(directory))
        )
        trainer.fit(report, Pending())
    return ends[-1] - ends[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/measurements/training_speed.json"))

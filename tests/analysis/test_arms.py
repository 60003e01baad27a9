"""Records that would make a claim hold, or fall, that they say nothing about: none of them may."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from claim_findings import LOW, THREE, Side, findings, other, prefix, write_sides
from synthetic_records import write_diverged

GOOD_RATE, BAD_RATE = {"train.lr": 1e-4, "loss": 1.0}, {"train.lr": 1e-6, "loss": 1.3}
FIVE = (1, 2, 3, 4, 5)
CONTRADICTED = [prefix(0.4, seeds=FIVE), other("finetune", 0.7, seeds=FIVE)]
"""On E2E; the same arms on DART hold."""
ON_DART = [
    prefix(seeds=FIVE, **{"task.name": "dart"}),
    other("finetune", seeds=FIVE, **{"task.name": "dart"}),
]
SHARE = {"data_fraction": 0.5, "init.name": "random"}
SUBSAMPLED = {**LOW, "seeds": (1,), "subsamples": THREE}
ATTACKS: dict[str, tuple[Sequence[Side], str, str, str]] = {
    # name: sides, claim, outcome, what the evidence says
    "a bad rate with three seeds does not hide the best one with one": (
        [prefix(), other("finetune", **BAD_RATE), other("finetune", 0.9, seeds=(1,), **GOOD_RATE)],
        "C2",
        "undecided",
        "one setting against the lowest development loss of 2",
    ),
    "the best rate decides where it has the seeds": (
        [prefix(), other("finetune", seeds=(1,), **BAD_RATE), other("finetune", 0.95, **GOOD_RATE)],
        "C2",
        "does not hold",
        "against the lowest development loss of 2",
    ),
    "a longer warm-up is searched like a rate": (
        [
            prefix(),
            other("finetune", **BAD_RATE),
            other("finetune", 0.95, loss=1.0, **{"train.lr": 1e-6, "train.warmup_steps": 50}),
        ],
        "C2",
        "does not hold",
        "against the lowest development loss of 2",
    ),
    "initialisation from another run has that run's training too": (
        [prefix(0.3), prefix(0.99, loss=1.0, **{"init.name": "run", "init.digest": "d"}), other("finetune", 0.95)],
        "C2",
        "does not hold",
        "one setting on either side",
    ),
    "other parts of the model are not another setting": (
        [
            prefix(0.3),
            prefix(0.99, loss=1.0, **{"method.layers": "1-15"}),
            prefix(0.99, loss=1.0, **{"init.name": "zero"}),
            other("finetune", 0.95),
        ],
        "C2",
        "does not hold",
        "one setting on either side",
    ),
    "settings without a loss cannot be told apart": (
        [prefix(), other("finetune", loss=None), other("finetune", 0.9, **GOOD_RATE)],
        "C2",
        "undecided",
        "no loss on the same development pairs tells its 2 settings apart",
    ),
    "settings with other seeds cannot be told apart": (
        [prefix(), other("finetune", **BAD_RATE), other("finetune", 0.9, seeds=(7, 8, 9), **GOOD_RATE)],
        "C2",
        "undecided",
        "tells its 2 settings apart",
    ),
    "three seeds of one subsample decide no claim on little data": (
        [prefix(**LOW), prefix(0.3, **LOW, **{"init.name": "random"})],
        "C17",
        "undecided",
        "at least 2 more subsamples",
    ),
    "nor on average over sizes": (
        [
            side
            for size in (50, 100)
            for side in (prefix(**LOW | {"train_size": size}), other("finetune", **LOW | {"train_size": size}))
        ],
        "C8",
        "undecided",
        "at least 2 more subsamples",
    ),
    "two subsamples are too few, however many the seeds": (
        [prefix(**LOW, subsamples=(1, 2)), prefix(0.3, **LOW, subsamples=(1, 2), **{"init.name": "random"})],
        "C17",
        "undecided",
        "more subsample",
    ),
    "three subsamples decide": (
        [prefix(**SUBSAMPLED), prefix(0.3, **SUBSAMPLED, **{"init.name": "random"})],
        "C17",
        "holds",
        "one setting on either side",
    ),
    "thirty epochs against one decide nothing": (
        [
            side
            for size in (50, 100)
            for side in (
                prefix(**SUBSAMPLED | {"train_size": size}),
                other("finetune", **SUBSAMPLED | {"train_size": size, "train.epochs": 1}),
            )
        ],
        "C8",
        "undecided",
        "unequal: 1,500 pairs trained on against 50; 3,000 pairs trained on against 100",
    ),
    "more epochs on all pairs decide nothing": (
        [prefix(**{"train.epochs": 30}), other("embedding")],
        "C15",
        "undecided",
        "unequal: 1,261,830 pairs trained on against 42,061",
    ),
    "larger batches in as many steps are more training": (
        [
            prefix(**{"train.max_steps": 100, "train.batch_size": 64}),
            other("embedding", **{"train.max_steps": 100}),
        ],
        "C15",
        "undecided",
        "unequal: 6,400 pairs trained on against 1,600",
    ),
    "as many pairs in other batches are equal training": (
        [
            prefix(**{"train.max_steps": 100, "train.batch_size": 64}),
            other("embedding", **{"train.max_steps": 200, "train.batch_size": 16, "train.accumulate": 2}),
        ],
        "C15",
        "holds",
        "6,400 of 42,061 pairs",
    ),
    "the best state against the last one decides nothing": (
        [prefix(**{"train.keep": "best"}), other("embedding")],
        "C15",
        "undecided",
        "unequal: checkpoint of the lowest development loss against last checkpoint",
    ),
    "the equal length is taken where it is there": (
        [prefix(0.9, prefix_len=5), prefix(0.4, prefix_len=10), other("embedding", 0.8, prefix_len=10)],
        "C15",
        "does not hold",
        "length 10) minus embedding-only (init=words, length 10)",
    ),
    "other lengths decide nothing": (
        [prefix(0.9, prefix_len=5), other("embedding", prefix_len=10)],
        "C15",
        "undecided",
        "unequal: length 5 against 10",
    ),
    "a diverged run speaks for no method": (
        [prefix(), other("embedding", seeds=(1, 2)), other("embedding", 0.05, seeds=(3,), loss=2.9)],
        "C15",
        "undecided",
        "diverged",
    ),
    "a diverged run with more pairs takes no evidence away": (
        [
            prefix(),
            other("embedding", seeds=(1, 2)),
            other("embedding", 0.05, seeds=(3,), loss=2.9),
            prefix(train_size=2_000, subsamples=THREE),
            other("embedding", train_size=2_000, subsamples=THREE),
        ],
        "C15",
        "holds",
        "2,000 pairs",
    ),
    "a rate that diverged does not stand for its method": (
        [prefix(0.5), other("embedding", 0.05, **{"train.lr": 1.0, "loss": 3.5}), other("embedding", 0.9, **GOOD_RATE)],
        "C15",
        "does not hold",
        "against the lowest development loss of 2",
    ),
    "a run that was repeated is one run": (
        [
            prefix(seeds=(1,)),
            prefix(seeds=(1,), **{"train.checkpoint_every": 7}),
            prefix(seeds=(1,), subsamples=(4,)),
            other("embedding", seeds=(1,)),
            other("embedding", seeds=(1,), subsamples=(5,)),
        ],
        "C15",
        "undecided",
        "at least 2 more seeds",
    ),
    "a better rate with one seed does not take a contradiction away": (
        [*CONTRADICTED, *ON_DART, prefix(0.4, seeds=(1,), loss=1.1, **{"train.lr": 1e-4})],
        "C2",
        "undecided",
        "its setting of the lowest loss has too few runs (1)",
    ),
    "nor does one pair of runs with more training": (
        [
            *CONTRADICTED,
            *ON_DART,
            prefix(0.4, seeds=(1,), **{"train.epochs": 2}),
            other("finetune", 0.7, seeds=(1,), **{"train.epochs": 2}),
        ],
        "C2",
        "does not hold",
        "n = 5",
    ),
    "nor do the same trainings decoded greedily": (
        [
            *CONTRADICTED,
            *(
                side | {"quality": 0.9, "decode.beams": 1, "result": {"n_inputs": 201}}
                for side in (prefix(seeds=FIVE), other("finetune", seeds=FIVE))
            ),
        ],
        "C2",
        "does not hold",
        "n = 5",
    ),
    "nor do more inputs with a single seed in common": (
        [
            *CONTRADICTED,
            prefix(seeds=(5, 6, 7, 8, 9), test_size=300, result={"n_inputs": 300}),
            other("finetune", seeds=(5, 6, 7, 8, 9), test_size=300, result={"n_inputs": 300}),
        ],
        "C2",
        "does not hold",
        "n = 5",
    ),
    "losses on other numbers of development pairs cannot be told apart": (
        [
            prefix(0.9, loss=1.2, result={"n_dev": 500}),
            prefix(loss=1.1, result={"n_dev": 16}, **{"train.lr": 1e-4}),
            other("finetune", 0.8),
        ],
        "C2",
        "undecided",
        "tells its 2 settings apart",
    ),
    "inputs cut to another length": (
        [prefix(), other("embedding", **{"task.max_source_tokens": 20})],
        "C15",
        "no runs",
        "",
    ),
    "another layout": ([prefix(), other("embedding", **{"model.layout": "chat"})], "C15", "no runs", ""),
    "nor a better rate with three seeds of one subsample": (
        [
            prefix(0.4, **SHARE | {"seeds": (1,), "subsamples": THREE}),
            other("finetune", 0.7, **SHARE | {"init.name": "words", "seeds": (1,), "subsamples": THREE}),
            prefix(0.4, **SHARE | {"subsamples": (1,), "train.lr": 1e-4, "loss": 1.1}),
        ],
        "C19",
        "undecided",
        "its setting of the lowest loss has too few runs (1)",
    ),
    "nor a single run of the length of the paper's table": (
        [
            prefix(0.3, seeds=FIVE, prefix_len=3),
            other("finetune", 0.7, seeds=FIVE),
            prefix(0.3, seeds=(1,), prefix_len=5),
        ],
        "C2",
        "does not hold",
        "length 3",
    ),
    "nor the same trainings on more inputs under another signature": (
        [
            *CONTRADICTED,
            *(
                side | {"test_size": 300, "result": {"n_inputs": 300, "scores": scores}}
                for side, scores in (
                    (prefix(seeds=FIVE), {"BLEU": {"value": 60.0, "signature": "x", "reason": None}}),
                    (other("finetune", seeds=FIVE), {"BLEU": {"value": 60.0, "signature": "y", "reason": None}}),
                )
            ),
        ],
        "C2",
        "does not hold",
        "n = 5",
    ),
    "another precision": ([prefix(), other("embedding", precision="bf16")], "C15", "no runs", ""),
    "another kind of processor": (
        [prefix(result={"provenance": {"accelerator": "GPU"}}), other("embedding")],
        "C15",
        "no runs",
        "",
    ),
    "another decoding": ([prefix(), other("embedding", **{"decode.no_repeat_ngram": 3})], "C15", "no runs", ""),
    "drawn outputs": ([prefix(), other("embedding", **{"decode.sample": True})], "C15", "no runs", ""),
    "other inputs": ([prefix(), other("embedding", result={"n_inputs": 100})], "C15", "no runs", ""),
    "other files of inputs": (
        [prefix(), other("embedding", result={"data": {"test": {"files": [{"sha256": "2" * 64}]}}})],
        "C15",
        "no runs",
        "",
    ),
    "another backbone": ([prefix(), other("embedding", **{"model.name": "gpt2_medium"})], "C15", "no runs", ""),
    "other weights of it": (
        [prefix(), other("embedding", result={"backbone": {"sha256": "3" * 64}})],
        "C15",
        "no runs",
        "",
    ),
    "the sample corpus": (
        [prefix(result={"data_source": "sample"}), other("embedding", result={"data_source": "sample"})],
        "C15",
        "no runs",
        "",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_claim_is_decided_by(tmp_path: Path, name: str) -> None:
    sides, claim, outcome, text = ATTACKS[name]
    write_sides(tmp_path, *sides)
    found = findings(tmp_path)[claim]
    assert found.outcome == outcome, [each.text for each in found.evidence]
    assert text in " | ".join(each.text for each in found.evidence)


def test_those_that_survived_do_not_speak_for_a_setting_that_diverges(tmp_path: Path) -> None:
    write_sides(tmp_path, prefix(), other("embedding", 0.2))
    assert findings(tmp_path)["C15"].outcome == "holds"
    directory = write_diverged(tmp_path, settings={"method.name": "embedding", "seed": 9})
    found = findings(tmp_path)["C15"]
    assert found.outcome == "undecided"
    assert f"training of {directory.name.rpartition('-')[2]} diverged" in found.evidence[0].text

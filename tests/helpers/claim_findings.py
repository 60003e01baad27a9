"""What records say about the claims, for the tests of the rules and of the claims."""

from functools import partial
from pathlib import Path
from typing import Any

from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.results.records import load_records
from synthetic_records import write_record, write_runs

write_four = partial(write_runs, seeds=range(4), inputs=200)
"""Four seeds on enough inputs for clear differences."""


def write_subsamples(directory: Path, method: str, quality: float, **settings: object) -> None:
    """A run on each of four subsamples, the independent units of a claim on little data."""
    for subsample in range(1, 5):
        write_runs(directory, method, quality, seeds=[1], inputs=200, **{"subsample_seed": subsample, **settings})


def findings(directory: Path) -> dict[str, Finding]:
    """Name of the claim → what the records of a results tree say."""
    return {each.claim.name: each for each in evaluate(load_records(directory).runs)}


Side = dict[str, Any]
"""`method`, `quality`, and by option `loss`, `seeds`, `subsamples`, `result`, or dotted settings."""

LOW: Side = {"train_size": 100, "train.epochs": 30}
THREE = (1, 2, 3)


def write_sides(directory: Path, *sides: Side) -> None:
    """The runs of every side; the loss on development pairs is 1.2 unless it says otherwise."""
    for side in sides:
        settings = dict(side)
        method, quality, loss = settings.pop("method"), settings.pop("quality"), settings.pop("loss", 1.2)
        seeds, subsamples = settings.pop("seeds", THREE), settings.pop("subsamples", (0,))
        history = [{"step": 100, "train_loss": 1.5, **({} if loss is None else {"dev_loss": loss})}]
        result = {"training": {"history": history}, **settings.pop("result", {})}
        for seed, subsample in ((seed, subsample) for seed in seeds for subsample in subsamples):
            every = {"method.name": method, "seed": seed, "subsample_seed": subsample, **settings}
            write_record(directory, settings=every, quality=quality, inputs=200, result=result, data_source="release")


def prefix(quality: float = 0.7, **more: Any) -> Side:
    """A side of prefix-tuning."""
    return {"method": "prefix", "quality": quality, **more}


def other(method: str, quality: float = 0.3, **more: Any) -> Side:
    """A side of another method."""
    return {"method": method, "quality": quality, **more}

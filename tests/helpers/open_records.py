"""Records that speak to open questions, and the tables that they make."""

from pathlib import Path
from typing import Any

from prefixrun.analysis.open_questions import answers, page
from prefixrun.results.records import load_records
from synthetic_records import write_record


def write(
    tree: Path, loss: float | None, *, method: str = "prefix", seed: int = 1, quality: float = 0.5, **more: Any
) -> None:
    """A run with a development loss; `more`: fields of its training, or dotted settings."""
    training = {key: more.pop(key) for key in ("lengths",) if key in more}
    measured = {} if loss is None else {"dev_loss": loss}
    result: dict[str, Any] = {"training": {"history": [{"step": 100, "train_loss": 1.5, **measured}], **training}}
    result |= {key: more.pop(key) for key in ("scores", "model") if key in more}
    stored = more.pop("stored", 115_200)
    settings = {"method.name": method, "seed": seed, **more}
    write_record(tree, settings=settings, quality=quality, stored=stored, result=result)


def rows(tree: Path, title: str) -> dict[str, list[str]]:
    """First cell → the others of the table below a heading that begins so."""
    text = page(answers(load_records(tree).runs))
    part = text.partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in lines[2:]}

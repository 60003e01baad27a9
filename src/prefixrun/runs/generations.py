"""The form of generations.jsonl: a line an input, with what was written for it. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from prefixrun.data.example import Example
from prefixrun.errors import shortened


def generation_line(example: Example, outputs: Sequence[str]) -> dict[str, Any]:
    """The record of one input; `outputs` where decode.outputs asks for several, the first of which is scored."""
    several = {"outputs": list(outputs)} if len(outputs) > 1 else {}
    references = list(example.references)
    return {"id": example.id, "source": example.source, "output": outputs[0], "references": references, **several}


def outputs_of(records: Sequence[Mapping[str, Any]], inputs: Sequence[Example]) -> dict[str, str] | None:
    """Id → output of records; None unless each is of another one of the inputs, with its source and references."""
    example_of = {example.id: example for example in inputs}
    outputs: dict[str, str] = {}
    for record in records:
        example, several = example_of.pop(str(record.get("id")), None), record.get("outputs", [record.get("output")])
        are_texts = isinstance(several, list) and several and all(isinstance(output, str) for output in several)
        if example is None or not are_texts or record != generation_line(example, several):
            return None
        outputs[example.id] = several[0]
    return outputs


def wrong_line(record: Mapping[str, Any], before: Collection[str]) -> str:
    """What is wrong with a record; empty when a reader may rely on it. before: ids of the records before it."""
    for name in ("id", "source", "output"):
        if not isinstance(record.get(name), str):
            return f"{name} is {shortened(repr(record.get(name)))}, expected text"
    references = record.get("references")
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        return f"references is {shortened(repr(references))}, expected a list of texts"
    return f"id {shortened(record['id'])} stands there twice" if record["id"] in before else ""

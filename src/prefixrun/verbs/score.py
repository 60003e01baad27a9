"""prefixrun score task=TASK hyp=FILE [refs=FILE.json] [split=test] [data_dir=DIR] [out=FILE.json]

The official scores of any system's output, with the signature of each.

  task      e2e, webnlg, dart or xsum: says which metrics, and how texts are prepared for them
  hyp       the outputs: one a line in the official order of the inputs (.txt), or one JSON object a line with the key
            "output" (.jsonl, such as the generations.jsonl of a run); .gz behind either is read too
  refs      the references: a JSON list of lists of texts, in the same order; without it, those of the task
  split     part of the task's corpus that the outputs belong to: train, dev or test (test)
  data_dir  directory of the real corpora, holding TASK/; without it, the sample corpus that comes with the program
  out       also write the scores to this file
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from prefixrun.data import SPLITS
from prefixrun.data.text_io import read_text
from prefixrun.errors import ConfigError, DataError
from prefixrun.files import write_json
from prefixrun.metrics import Score, score, suite
from prefixrun.present import terminal

NUMBERS_SHOWN = 10


def run(arguments: dict[str, str]) -> int:
    """Score, print and, when asked, write. Raises ConfigError and DataError."""
    if "refs" in arguments and ("data_dir" in arguments or "split" in arguments):
        raise ConfigError(f"refs={arguments['refs']}: data_dir and split name references too; give one or the other")
    task, path = arguments["task"], Path(arguments["hyp"])
    suite(task)  # an unknown task, before anything is read
    outputs = read_outputs(path)
    origin, references, groups = _references(task, arguments)
    if len(outputs) != len(references):
        last = "; its last line is empty" if outputs and not outputs[-1] else ""
        raise DataError(f"{path}: {len(outputs)} outputs for {len(references)} inputs ({origin}); one a line{last}")
    scores = score(task, outputs, references, groups)
    _show(f"{path.name}: {len(outputs)} outputs, {origin}", outputs, scores)
    if "out" in arguments:
        write_json(Path(arguments["out"]), _record(task, arguments, len(outputs), scores))
    return 0


def read_outputs(path: Path) -> list[str]:
    """The outputs in a file, in its order. Raises DataError with the line that is wrong."""
    lines = read_text(path).text.removesuffix("\n").split("\n")
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        return [_output(path, number, line) for number, line in enumerate(lines, start=1)]
    return [line.removesuffix("\r") for line in lines]


def _output(path: Path, number: int, line: str) -> str:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{number}: is not JSON ({error.msg}, column {error.colno}); one object a line"
        ) from error
    if not isinstance(record, dict) or not _is_text(record.get("output")):
        raise DataError(f'{path}:{number}: is no object with the text "output"')
    return str(record["output"])


def _is_text(value: object) -> bool:
    """Whether JSON gave a text that can be written as UTF-8; half a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _references(task: str, arguments: dict[str, str]) -> tuple[str, Sequence[Sequence[str]], Sequence[str] | None]:
    """Where the references are from, the references of each input, and its group where the task has groups."""
    if "refs" in arguments:
        path = Path(arguments["refs"])
        return f"references of {path.name}", read_references(path), None
    from prefixrun.data import load

    split = arguments.get("split", "test")
    if split not in SPLITS:
        raise ConfigError(f"split={split}: there are {', '.join(SPLITS)}")
    root = Path(arguments["data_dir"]) if "data_dir" in arguments else None
    examples = load(task, split, root).examples
    origin = f"{task} {split}" + ("" if root else ", the sample corpus: data_dir=DIR names the real one")
    return origin, [example.references for example in examples], [example.group for example in examples]


def read_references(path: Path) -> list[list[str]]:
    """The references of each input from a JSON list of lists. Raises DataError with the line or the input."""
    try:
        value = json.loads(read_text(path).text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg}, column {error.colno})") from error
    if not isinstance(value, list):
        raise DataError(f"{path}: is no JSON list; references are a list of lists of texts, one list an input")
    for number, texts in enumerate(value, start=1):
        if not isinstance(texts, list) or not texts or not all(map(_is_text, texts)):
            raise DataError(f"{path}: entry {number} is no list of at least one text")
    return value


def _show(heading: str, outputs: Sequence[str], scores: dict[str, Score]) -> None:
    console = terminal()
    console.print(heading, markup=False, soft_wrap=True)
    width = max(len(name) for name in scores)
    for name, one in scores.items():
        value = "-" if one.value is None else f"{one.value:.4f}"
        remark = Text(one.signature if one.reason is None else one.reason, style="dim")
        console.print(Text(f"  {name:<{width}} {value:>9}  ") + remark, soft_wrap=True)
    empty = [number for number, output in enumerate(outputs, start=1) if not output.strip()]
    if empty:
        which = ", ".join(map(str, empty[:NUMBERS_SHOWN])) + (", ..." if len(empty) > NUMBERS_SHOWN else "")
        console.print(f"{len(empty)} outputs are empty and score as such: {which}", soft_wrap=True)


def _record(task: str, arguments: dict[str, str], inputs: int, scores: dict[str, Score]) -> dict[str, Any]:
    """What ``out`` holds: the object ``scores`` as in a run's result.json, and what was scored."""
    source = "refs" if "refs" in arguments else "data_dir" if "data_dir" in arguments else "sample"
    return {
        "task": task,
        "split": None if source == "refs" else arguments.get("split", "test"),
        "n_inputs": inputs,
        "references": source,
        "scores": {
            name: {"value": one.value, "signature": one.signature, **({"reason": one.reason} if one.reason else {})}
            for name, one in scores.items()
        },
    }

"""prefixrun data check data_dir=DIR [task=TASK [--config-dir CONF]] [json=FILE]
prefixrun data download task=TASK data_dir=DIR [source=archive]

check says of every part of every corpus in DIR whether it is the release, a damaged copy or missing, and how much of
the test parts stands in the training parts, of the same corpus and of the others. download fetches a corpus from where
its authors publish it, goes on after an interruption, and checks the copy. Both end with exit code 3 if something is
wrong.

  data_dir  directory of the corpora, holding TASK/ for each
  task      e2e, webnlg, dart, xsum, the later releases e2e_cleaned and webnlg_2020, a task that the program generates,
            which needs no data_dir, or an own task; check without it takes every one of these that is in DIR
  source    archive: XSUM as the paper's code has it, without ids, instead of the Hugging Face hub (or HF_ENDPOINT)
  config_dir  (or --config-dir CONF) directory with task/TASK.yaml of an own task that names its columns, parts or a
              data set of the hub, which needs no data_dir
  json      also write the findings to this file
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prefixrun.cli.arguments import check_out, path_of
from prefixrun.cli.own_task import own_task
from prefixrun.config.task_settings import GENERATED_TASKS, TaskConfig
from prefixrun.console import count, print_text
from prefixrun.data import DIRECTORIES, SPLITS, Corpus, directory_of, load, manifest
from prefixrun.data.download import download as fetch_corpus
from prefixrun.data.overlap import Overlap
from prefixrun.data.overlap import report as overlap_report
from prefixrun.data.publications import PUBLICATIONS, publication
from prefixrun.errors import ConfigError, DataError
from prefixrun.files import write_json


@dataclass(frozen=True, slots=True)
class Part:
    """The findings about one split."""

    task: str
    split: str
    checked_by: str
    """``checksum``, ``counts``, or ``nothing`` for a task without a manifest; ``wrong`` with a problem."""
    version: str = ""
    problem: str = ""
    corpus: Corpus | None = None


def check(arguments: dict[str, str]) -> int:
    """Print, and write when asked, the state of the corpora; 0 when all is right, else 3."""
    check_out(arguments)
    task_config = own_task(arguments)
    needs_none = arguments.get("task") in GENERATED_TASKS or (
        task_config is not None and task_config.dataset is not None
    )
    if "data_dir" not in arguments and not needs_none:
        raise ConfigError("data_dir: is missing; prefixrun data check needs data_dir=VALUE")
    root = Path(arguments.get("data_dir", ".")).expanduser()
    tasks = [task_config.name] if task_config else _tasks(arguments.get("task"), root)
    parts = [inspect(task, split, root, task_config) for task in tasks for split in SPLITS]
    overlaps = overlap_report([part.corpus for part in parts if part.corpus is not None])
    _show(parts, [name for name in PUBLICATIONS if name not in tasks and "task" not in arguments], overlaps)
    if out := path_of(arguments, "json"):
        write_json(out, _record(parts, overlaps))
    return DataError.exit_code if any(part.problem for part in parts) else 0


def download(arguments: dict[str, str]) -> int:
    """Fetch a corpus and check it; 0 when the copy is whole, else 3."""
    task, root = arguments["task"], Path(arguments["data_dir"]).expanduser()
    published = publication(task, arguments.get("source"))
    print_text(f"{task}: {published.home}, licence: {published.licence}")
    fetch_corpus(published, root / task, print_text)
    parts = [inspect(task, split, root) for split in SPLITS]
    _show(parts, [], [])
    if any(part.problem for part in parts):
        print_text(f"delete what is wrong in {root / task} and run the same command again")
        return DataError.exit_code
    return 0


def inspect(task: str, split: str, root: Path, task_config: TaskConfig | None = None) -> Part:
    """Read one split and compare it with the manifest. A task that does not exist raises ConfigError."""
    try:
        corpus = load(task, split, root, verify=False, config=task_config)
    except DataError as error:
        return Part(task, split, "wrong", problem=str(error))
    directory = DIRECTORIES.get(task, task)
    if (directory, split) not in manifest.RELEASES:
        return Part(task, split, "nothing", version=corpus.version or "own task", corpus=corpus)
    try:
        version = manifest.identify(corpus, directory).version
    except DataError as error:
        return Part(task, split, "wrong", problem=str(error), corpus=corpus)
    by_checksum = any(corpus.files[0].sha256 == release.sha256 for release in manifest.RELEASES[directory, split])
    return Part(task, split, "checksum" if by_checksum else "counts", version=version, corpus=corpus)


def _tasks(task: str | None, root: Path) -> list[str]:
    """The tasks to look at: the one that was named, or the paper's corpora that are in the directory."""
    if task is not None:
        return [task]
    if not root.is_dir():
        raise DataError(f"{root}: no such directory; give data_dir=DIR, the directory that holds e2e/, webnlg/, ...")
    there = [name for name in PUBLICATIONS if directory_of(name, root).is_dir()]
    if not there:
        raise DataError(
            f"{root}: holds none of {', '.join(PUBLICATIONS)}; `prefixrun data download task=TASK data_dir={root}` "
            "fetches one"
        )
    return there


def _show(parts: list[Part], absent: list[str], overlaps: list[Overlap]) -> None:
    names = [f"{part.task}/{part.split}" for part in parts]
    width = max(14, *map(len, names))
    for name, part in zip(names, parts, strict=True):
        print_text(f"{name:<{width}} {_state(part)}")
        for note in _notes(part.corpus) if part.corpus else ():
            print_text(f"{'':<{width}} {note}")
    for task in absent:
        print_text(f"{task:<{width}} not there")
    shared = [overlap for overlap in overlaps if overlap.any_shared]
    if overlaps:
        print_text("overlap: " + ("distinct inputs and texts that stand in a training part too" if shared else "none"))
    for overlap in shared:
        print_text(
            f"  {overlap.part} in {overlap.whole}: {_share(overlap.shared_inputs, overlap.inputs)} inputs, "
            f"{_share(overlap.shared_texts, overlap.texts)} texts"
        )


def _notes(corpus: Corpus) -> list[str]:
    left_out = [f"left out: {skip.count:,} {skip.reason}" for skip in corpus.skipped]
    return left_out + ([f"kept: {corpus.empty_inputs:,} empty inputs"] if corpus.empty_inputs else [])


def _state(part: Part) -> str:
    if part.problem or part.corpus is None:
        return f"WRONG: {part.problem}"
    counts = f"{count(len(part.corpus.examples), 'input')}, {count(part.corpus.pairs, 'pair')}"
    how = {"checksum": "checksum right", "counts": "counts right", "nothing": "no manifest"}[part.checked_by]
    return f"{part.version.removesuffix(' (by counts)')}: {counts}, {how}"


def _share(shared: int, whole: int) -> str:
    return f"{shared:,} of {whole:,} ({100 * shared / whole:.1f} %)" if whole else "none of 0"


def _record(parts: list[Part], overlaps: list[Overlap]) -> dict[str, Any]:
    return {"parts": [_part_record(part) for part in parts], "overlap": [asdict(overlap) for overlap in overlaps]}


def _part_record(part: Part) -> dict[str, Any]:
    corpus = part.corpus
    return {
        "task": part.task,
        "split": part.split,
        "checked_by": part.checked_by,
        "version": part.version,
        "problem": part.problem or None,
        "inputs": len(corpus.examples) if corpus else None,
        "pairs": corpus.pairs if corpus else None,
        "files": [asdict(file) for file in corpus.files] if corpus else [],
        "skipped": [{"reason": skip.reason, "count": skip.count} for skip in corpus.skipped] if corpus else [],
        "empty_inputs": corpus.empty_inputs if corpus else 0,
    }

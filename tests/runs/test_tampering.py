"""A run whose files were changed: what is done again, and what a finished one shows is what it wrote.

tests/faults damages every file of a run that is stopped at any of its stages."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from prefixrun.cli import run_command
from prefixrun.config.schema import Config
from prefixrun.errors import DamagedStateError
from prefixrun.metrics.base import prepared
from prefixrun.results.archive import archive_runs
from prefixrun.results.lookup import find, open_run
from prefixrun.results.records import load_records
from prefixrun.results.verify import verify
from prefixrun.runs import pipeline, stages
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run
from prefixrun.runs.run import Run
from prefixrun.training.progress import Progress
from small_run import SMALL

CHANGES = ("model=tiny_llama", "train.checkpoint_every=1", "decode.batch_size=1", "method=prefix_flat", "init=random")
CHECKPOINT = "checkpoints/step-00000003.safetensors"


class Stopped(BaseException):
    """A kill, as far as the program can tell."""


@cache
def config() -> Config:
    return compose([*SMALL, *CHANGES])


def the_run(results: Path) -> Run:
    return find_run(replace(config(), results_dir=str(results)))


def go(results: Path) -> None:
    """Do or resume a run."""
    assert run_command.run(replace(config(), results_dir=str(results))) == 0


def stopped(results: Path, module: object, name: str, when: Callable[..., bool]) -> Path:
    original = getattr(module, name)

    def stop(*given: Any, **named: Any) -> Any:
        if when(*given):
            raise Stopped
        return original(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, stop)
        with pytest.raises(Stopped):
            go(results)
    return results


def training(_shown: object, _before: Progress, progress: Progress, *_: object) -> bool:
    return progress.step == 4


def decoding() -> Callable[..., bool]:
    batches = iter(range(3))
    return lambda *_: next(batches) == 2


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A run that nothing disturbed, and runs stopped while they train and while they decode."""
    root = tmp_path_factory.mktemp("trees")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("PATH", str(root))  # without Java
        prepared.cache_clear()  # references that an earlier test has prepared with Java
        whole = root / "whole"
        go(whole)
        yield {
            "whole": whole,
            "training": stopped(root / "training", stages, "_report", training),
            "decoding": stopped(root / "decoding", pipeline, "generation_line", decoding()),
        }


def remove(path: Path) -> None:
    path.unlink()


def to_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def other_tensors(path: Path) -> None:
    save_file({name: tensor * 1.01 for name, tensor in load_file(path).items()}, path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "flip": flip,
    "empty": lambda path: path.write_bytes(b""),
    "directory": to_directory,
}


@pytest.mark.parametrize("name", ["result.json", "manifest.json", "generations.jsonl", "stats.parquet"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "directory"])
def test_a_finished_run_that_has_changed_is_not_believed(
    trees: dict[str, Path], name: str, damage: str, tmp_path: Path
) -> None:
    shutil.copytree(trees["whole"], tmp_path / "results")
    run = the_run(tmp_path / "results")
    path = run.directory / name
    DAMAGES[damage](path)
    records = load_records(tmp_path / "results")
    if name in ("result.json", "manifest.json"):
        with pytest.raises(DamagedStateError, match=name):
            run.state()
        assert [(name in one.reason, one.directory) for one in records.skipped] == [(True, run.directory)]
        return
    assert run.state() == "finished"
    if records.skipped:
        assert name in records.skipped[0].reason
    elif damage != "directory":  # that is no file of the run, as where it was deleted
        read = {"generations.jsonl": records.runs[0].outputs, "stats.parquet": records.runs[0].stats}[name]
        with pytest.raises(DamagedStateError, match=name):
            read()


@pytest.mark.parametrize("has_manifest", [True, False])
def test_what_a_finished_run_has_trained_is_used_as_it_was_written(
    trees: dict[str, Path], has_manifest: bool, tmp_path: Path
) -> None:
    """Its digest is in the result too, which runs of earlier versions have."""
    shutil.copytree(trees["whole"], tmp_path / "results")
    run = the_run(tmp_path / "results")
    if not has_manifest:
        run.manifest.path.unlink()
    record = find(tmp_path / "results", run.id)
    assert open_run(record).record is record
    other_tensors(run.trained_file)
    with pytest.raises(DamagedStateError, match=r"prefix\.safetensors: has changed since"):
        open_run(record)
    assert ("trained file", "wrong") in [(check.what, check.outcome) for check in verify(record, regenerate=0)]


@pytest.mark.parametrize("name", ["generations.jsonl", "stats.parquet"])
def test_a_changed_run_is_not_kept_and_does_not_verify(trees: dict[str, Path], name: str, tmp_path: Path) -> None:
    shutil.copytree(trees["whole"], tmp_path / "results")
    run = the_run(tmp_path / "results")
    record = find(tmp_path / "results", run.id)
    path = run.directory / name
    changed = path.read_bytes().replace(b"name", b"game") if name == "generations.jsonl" else path.read_bytes() + b" "
    path.write_bytes(changed)
    with pytest.raises(DamagedStateError, match=name):
        archive_runs([record], tmp_path / "results")
    assert not (tmp_path / "results" / "records").exists()
    assert "wrong" in [check.outcome for check in verify(record, regenerate=0) if name in check.detail]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("stage", "name", "how", "logged"),
    [
        ("training", CHECKPOINT, flip, "checkpoint left out: "),
        ("decoding", "generations.jsonl", flip, "generations.jsonl: has changed since it was written; all inputs are"),
        ("decoding", "costs.json", remove, "prefix.safetensors: nothing vouches for it, or for what it was made with"),
        ("decoding", "manifest.json", remove, "generations.jsonl: nothing vouches for it"),
    ],
)
def test_the_log_says_what_was_found_and_what_is_done_again(
    trees: dict[str, Path], stage: str, name: str, how: Callable[[Path], object], logged: str, tmp_path: Path
) -> None:
    shutil.copytree(trees[stage], tmp_path / "results")
    run = the_run(tmp_path / "results")
    how(run.directory / name)
    go(tmp_path / "results")
    assert logged in run.log.read_text()

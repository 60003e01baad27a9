"""A results tree that cannot be written: what reads works, what writes elsewhere too, and runs are refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from closed_paths import read_only
from prefixrun.cli.main import main
from synthetic_records import write_record


@pytest.fixture
def tree(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A finished run, and two records."""
    tree = tmp_path / "closed"
    shutil.copytree(finished, tree)
    for seed in (1, 2):
        write_record(tree, settings={"seed": seed})
    before = contents(tree)
    with read_only(tree):
        yield tree
    assert contents(tree) == before


def contents(tree: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in tree.rglob("*") if path.is_file()}


def test_the_tree_is_closed(tree: Path) -> None:
    for attempt in (lambda: (tree / "x").write_text(""), (tree / "x").mkdir, (tree / "records").rmdir):
        with pytest.raises(OSError, match="Read-only file system"):
            attempt()


def test_what_reads_works(tree: Path, small: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (path.name[-12:] for path in sorted((tree / "records").iterdir()))
    (run,) = (tree / "runs").iterdir()
    where = f"results_dir={tree}"
    for words in (
        ("ls", where, "json=runs.json"),
        ("diff", first, second, where, "json=diff.json"),
        ("verify", run.name[-12:], where, "json=checks.json"),
        ("tables", where, "out=published"),
        ("report", where, "out=report.html"),
        ("generate", f"run={run.name[-12:]}", "text=name : X", where, "out=texts.jsonl"),
        ("export", f"run={run.name[-12:]}", where, "out=prefix.safetensors"),
        ("plan", "model=tiny_gpt2", *small, where, "seed=101,102"),
        ("model=tiny_gpt2", *small, where),
        ("-m", "model=tiny_gpt2", *small, where, "seed=101"),
    ):
        assert main(list(words)) == 0, words
        assert capsys.readouterr().err == ""
    assert {path.name for path in Path.cwd().iterdir()} == {
        *("runs.json", "diff.json", "checks.json", "published", "report.html", "texts.jsonl", "prefix.safetensors")
    }


@pytest.mark.parametrize("words", [("tables",), ("report",), ("model=tiny_gpt2", "seed=5"), ("-m", "seed=5,6")])
def test_what_writes_there_is_refused(
    tree: Path, small: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("model=tiny_gpt2", *small) if "=" in words[-1] else ()
    assert main([*words, *settings, f"results_dir={tree}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith((f"prefixrun: results_dir: {tree}", f"prefixrun: out={tree / 'report.html'}"))
    assert "cannot be written" in said
    assert said.count("\n") == 1

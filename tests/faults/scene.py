"""One small run as it lies on the disk at every moment, and a place in which copies of it are disturbed."""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oracle import contents, give
from prefixrun import files
from prefixrun.metrics.base import prepared
from small_run import SMALLEST

SETTINGS = (
    *SMALLEST,
    *("method=prefix", "method.mid_dim=8", "train.max_steps=4", "train.checkpoint_every=1", "train.eval_examples=2"),
    *("test_size=4", "decode.batch_size=1"),
)
"""A run of a fifth of a second that saves a checkpoint after every step and decodes one input at a time."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A results tree of three runs, one of which is to be damaged, and what lies beside the tree."""

    tree: Path
    outside: Path
    """Nothing may ever be changed here."""
    run: Path
    """The directory of the run that is damaged."""
    others: tuple[str, ...]
    """Ids of two finished runs."""

    def filled(self, words: Sequence[str], **meant: str) -> list[str]:
        """A command with the run for $ID, another one for $OTHER, their results for $TREE, and what else is meant."""
        names = {"ID": self.run.name.rpartition("-")[2], "OTHER": self.others[0], "TREE": str(self.tree), **meant}
        filled = list(words)
        for name, value in names.items():
            filled = [word.replace(f"${name}", value) for word in filled]
        return filled

    def beside(self) -> dict[str, Any]:
        """Everything that no command may change: what lies beside the tree and the program's cache."""
        root = self.tree.parent
        return contents(root, without=(self.tree, root / "xdg_cache_home"))


def stopped_runs(root: Path) -> dict[str, Path]:
    """Moment → a results tree with a run that was stopped then, and with two that are finished.

    Moments: `training` with two checkpoints, `trained`, `decoding` with half of the outputs, `scored`, `finished`.
    """
    trees: dict[str, Path] = {}
    sync = files._directory_to_disk

    def copy_and_sync(directory: Path) -> None:
        """What lies on the disk while a file is written is what a kill at that moment leaves."""
        for run in root.glob("first/runs/*"):
            if (moment := _moment(run)) and moment not in trees:
                trees[moment] = Path(shutil.copytree(root / "first", root / moment))
        sync(directory)

    prepared.cache_clear()  # references that an earlier test has prepared with Java
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(root))  # no Java: it takes seconds to start
        patch.setattr(files, "_directory_to_disk", copy_and_sync)
        assert give([*SETTINGS, "seed=1", f"results_dir={root / 'first'}"]).code == 0
        patch.setattr(files, "_directory_to_disk", sync)
        trees["finished"] = root / "first"
        for seed in (2, 3):
            assert give([*SETTINGS, f"seed={seed}", f"results_dir={root / 'others'}"]).code == 0
    for tree in trees.values():
        for run in (root / "others" / "runs").iterdir():
            shutil.copytree(run, tree / "runs" / run.name)
    return trees


def _moment(run: Path) -> str | None:
    if (run / "stats.parquet").exists():
        return None if (run / "result.json").exists() else "scored"
    if (run / "generations.jsonl").exists():
        return "decoding" if (run / "generations.jsonl").read_bytes().count(b"\n") == 2 else None
    if (run / "prefix.safetensors").exists():
        return None if any((run / "checkpoints").iterdir()) else "trained"
    return "training" if len(list((run / "checkpoints").glob("*.safetensors"))) == 2 else None


@contextmanager
def place(root: Path) -> Iterator[Path]:
    """An empty directory to work in, with something beside it; `root` is removed, as there are thousands of them."""
    here, outside = root / "here", root / "outside"
    here.mkdir()
    outside.mkdir()
    (outside / "mine.txt").write_text("mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for name in ("PATH", "HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(root / name.lower()))
        patch.setenv("MPLCONFIGDIR", tempfile.gettempdir())  # where matplotlib keeps its list of fonts
        yield root
    for folder, names, _ in os.walk(root):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), 0o700)
    shutil.rmtree(root)


def copy_scene(moment: Path, root: Path) -> Scene:
    """A copy of the tree of a moment in a place."""
    tree = Path(shutil.copytree(moment, root / "tree"))
    first, *others = sorted((tree / "runs").iterdir(), key=_seed)
    return Scene(tree, root / "outside", first, tuple(run.name.rpartition("-")[2] for run in others))


def _seed(run: Path) -> int:
    return int(files.read_json(run / "config.json")["identity"]["settings"]["seed"])


_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2
"""Linux's capabilities by which the superuser reads what nobody may (capabilities(7))."""


@contextmanager
def permissions_bind() -> Iterator[None]:
    """While it lasts, this thread is bound by the permissions of files even as the superuser, where that is Linux."""
    if os.geteuid() != 0 or not hasattr(ctypes.CDLL(None), "capset"):
        yield
        return
    libc = ctypes.CDLL(None)
    header, before = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, before)
    bound = (ctypes.c_uint32 * 6)(*before)
    bound[0] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    libc.capset(header, bound)
    try:
        yield
    finally:
        libc.capset(header, before)

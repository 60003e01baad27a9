"""Where the checkout lies, for tests that read its documents or start its command."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


def environment(path: Path = SRC, **variables: str) -> dict[str, str]:
    """What a process is told that imports the packages of `path`."""
    return {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", **variables}


def python(
    *words: str, cwd: Path | None = None, path: Path = SRC, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own; what it said, whatever its exit code."""
    command, told = [sys.executable, *words], environment(path) | variables
    return subprocess.run(command, cwd=cwd, env=told, capture_output=True, text=True, check=False)

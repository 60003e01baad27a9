"""Where the checkout lies, for tests that read its documents or start its command."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


def python(
    *words: str, cwd: Path | None = None, path: Path = SRC, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the packages of `path`; what it said, whatever its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", **variables}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

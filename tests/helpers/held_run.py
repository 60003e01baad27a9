"""A run that another process holds."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkout import environment

HOLDS = """
import sys
from pathlib import Path
from prefixrun.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(directory: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Another process that holds the run until the block or its standard input ends, or it is killed."""
    command = [sys.executable, "-c", HOLDS, str(directory)]
    with subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process

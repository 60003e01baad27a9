"""Install a wheel as a stranger would and use it in an empty directory: ``python scripts/try_wheel.py [DIR]``.

DIR is where the wheel is (dist/). The libraries are those of the environment that runs the script, without its own
prefixrun, so nothing is downloaded.
"""

import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

COMMANDS = (
    ("--version",),
    ("--help",),
    ("task=e2e", "--cfg", "job"),
    ("plan", "task=e2e"),
    ("plan", "experiment=figure4_length"),
    ("params", "model=gpt2_medium"),
)
"""What is to work from the wheel alone, where nothing was run yet."""


def main(directory: Path) -> int:
    """Try the only wheel in a directory; the exit code of the first command that fails, or 0."""
    (wheel,) = directory.glob("prefixrun-*.whl")
    with tempfile.TemporaryDirectory() as work:
        environment, empty = Path(work, "venv"), Path(work, "empty")
        empty.mkdir()
        install(wheel.resolve(), environment)
        for words in COMMANDS:
            done = subprocess.run(
                [environment / "bin" / "prefixrun", *words],
                cwd=empty,
                env={"PATH": "/usr/bin:/bin", "HOME": work, "COLUMNS": "80", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            print(f"{'works' if done.returncode == 0 else 'FAILS'}: prefixrun {' '.join(words)}")
            if done.returncode:
                print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
                return done.returncode
    return 0


def install(wheel: Path, environment: Path) -> None:
    """A virtual environment with the wheel, which sees the libraries of this one.

    The .pth files of a directory that a .pth file names are ignored, and so is this environment's editable prefixrun.
    """
    venv.create(environment, with_pip=True)
    libraries = sysconfig.get_paths()["purelib"]
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(libraries + "\n", encoding="utf-8")
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel, "--force-reinstall"], check=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))

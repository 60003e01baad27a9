"""The examples of scripts/cluster/, with commands in place of those of a cluster that only say how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun.runs.configure import sweep_points

SCRIPTS = ROOT / "scripts" / "cluster"
GRID = ("experiment=table2_e2e", "profile=paper", "data_dir=DIR")


def called(tmp_path: Path, script: str, *words: str, code: int = 0, **environment: str) -> list[str]:
    """What a script calls, one line a command; prefixrun ends with `code`, srun and torchrun hand on."""
    for name in ("prefixrun", "ray", "scontrol", "torchrun", "nvidia-smi"):
        ends = f"exit {code}" if name == "prefixrun" else ""
        _write(tmp_path / name, f'#!/usr/bin/env bash\necho "{name} $*"\n{ends}\n')
    _write(tmp_path / "srun", '#!/usr/bin/env bash\nexec "$@"\n')
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = ["bash", str(SCRIPTS / script), *words]
    done = subprocess.run(
        command, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines()


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda script: script.name)
def test_a_script_is_bash_and_says_how_it_is_called(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert f"scripts/cluster/{script.name} " in script.read_text()
    assert script.name in (SCRIPTS.parents[1] / "docs" / "CLUSTERS.md").read_text()


@pytest.mark.parametrize(
    ("call", "added"),
    [
        (("one_node.sh",), ("hydra/launcher=joblib",)),
        (("slurm_node.sbatch",), ("hydra/launcher=joblib",)),
        (("slurm_runs.sh",), ("hydra/launcher=slurm", "hydra.launcher.partition=gpu")),
        (
            ("ray_cluster.sh", "run"),
            (
                "hydra/launcher=ray",
                "hydra.launcher.ray.init.address=auto",
                "+hydra.launcher.ray.remote.num_gpus=1",
            ),
        ),
    ],
)
def test_a_grid_goes_to_the_launcher(tmp_path: Path, call: tuple[str, ...], added: tuple[str, ...]) -> None:
    (line,) = called(tmp_path, *call, *GRID, PARTITION="gpu")
    assert line == " ".join(("prefixrun -m", *GRID, *added))
    assert sweep_points([*GRID, *added])


def test_a_job_whose_time_is_up_is_queued_again(tmp_path: Path) -> None:
    lines = called(tmp_path, "slurm_node.sbatch", *GRID, code=143, SLURM_JOB_ID="7")
    assert lines[1:] == ["scontrol requeue 7"]
    assert len(called(tmp_path, "slurm_node.sbatch", *GRID, code=3, SLURM_JOB_ID="7")) == 1


def test_a_ray_cluster_has_a_head_and_workers(tmp_path: Path) -> None:
    assert called(tmp_path, "ray_cluster.sh", "head") == ["ray start --head --port=6379"]
    assert called(tmp_path, "ray_cluster.sh", "worker", "one") == ["ray start --address=one:6379"]


def test_one_run_has_a_process_for_each_gpu(tmp_path: Path) -> None:
    run = "torchrun --standalone --nproc-per-node {} -m prefixrun task=e2e"
    assert called(tmp_path, "torchrun.sh", "task=e2e", GPUS="4") == [run.format(4)]
    assert called(tmp_path, "torchrun.sh", "task=e2e") == [run.format(1)]  # as many as nvidia-smi has lines

"""Hydra's own settings: a launcher by its name and plain values, and nothing that could name code."""

from pathlib import Path

import pytest

from prefixrun.config.compose import sweep_points
from prefixrun.errors import ConfigError
from prefixrun.sweeps.launchers import launcher

CODE = "{_target_: logging.FileHandler, filename: F}"


@pytest.mark.parametrize(
    "override",
    [
        f"+hydra.launcher.x={CODE}",
        f"++hydra.launcher.x={CODE}",
        f"hydra.launcher={CODE}",
        f"+hydra.launcher.ray.init.x={CODE}",
        f"+hydra.launcher.ray.init.x=[{CODE}]",
        f"hydra.launcher.n_jobs={CODE}",
        f"hydra/launcher={CODE}",
        f"+hydra.callbacks.x={CODE}",
        f"hydra.job_logging={CODE}",
        f"+hydra.sweeper.x={CODE}",
        "+hydra.launcher.x=1",
        "hydra.launcher._target_=os.system",
        "hydra.launcher.n_jobs='${oc.env:HOME}'",
        "hydra.launcher.n_jobs=1,2",
        "~hydra.launcher",
        "~hydra/launcher",
        "hydra/launcher=../x",
        "hydra/launcher=joblib,basic",
        "hydra/launcher@x=joblib",
        "hydra/launcherx=joblib",
        "hydra/callbacks=x",
        "hydra/job_logging=default",
        "hydra.searchpath=[file:///tmp]",
        "hydra.sweep.dir=F",
        "hydra.output_subdir=F",
    ],
)
def test_what_is_no_plain_setting_of_a_launcher_is_refused(
    override: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        sweep_points(["seed=1", override])
    assert str(caught.value).startswith(override)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "override", ["hydra/launcher=slurm", "hydra.launcher.partition=gpu", "+hydra.launcher.ray.remote.num_gpus=1"]
)
def test_plain_settings_are_for_sweeps(override: str) -> None:
    assert len(sweep_points(["seed=1,2", override])) == 2
    with pytest.raises(ConfigError, match="is for the runs of a sweep: add -m, or leave it out"):
        sweep_points([override], multirun=False)


def test_settings_without_a_launcher_are_refused() -> None:
    with pytest.raises(ConfigError, match="belongs to a launcher; add hydra/launcher=NAME"):
        launcher(["hydra.launcher.n_jobs=2"])

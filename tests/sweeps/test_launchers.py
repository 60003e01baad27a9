"""Launchers: the runs of a sweep end the same wherever they are worked on."""

import signal
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf

from checkout import python
from prefixrun.config import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DiskFullError, Interrupted, MissingPartError
from prefixrun.runs import configure
from prefixrun.runs.configure import sweep_points
from prefixrun.runs.identity import find_run as run_of
from prefixrun.sweeps.attempts import Outcome
from prefixrun.sweeps.launchers import (
    EXTRAS,
    WORKERS_PER_GPU,
    Worker,
    _join_cluster,
    _split_workers_per_gpu,
    _worker_slots,
    hydra_overrides,
    launcher,
)
from small_run import SMALLEST as SMALL


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.needs(f"hydra_plugins.{EXTRAS[name][1]}"))
        for name in ("joblib", "submitit_local", "ray")
    ],
)
def test_a_launcher_does_all_runs(name: str, tmp_path: Path) -> None:
    for expected in ("2 done now", "2 done before"):
        done = python("-m", "prefixrun", "-m", *SMALL, "seed=1,2", f"hydra/launcher={name}", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1] == expected


def composed(*words: str) -> DictConfig:
    """What a launcher gives a worker."""
    with compose.hydra_files(None):
        return hydra.compose(compose.CONFIG_NAME, overrides=[*SMALL, *words])


FULL = DiskFullError("the disk is full")


def worker_outcome(config: DictConfig) -> Outcome:
    before = signal.getsignal(signal.SIGTERM)
    try:
        return Worker(None)(config)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_worker_does_a_run_and_returns_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Java: it takes seconds to start
    config = composed("seed=1", f"results_dir={tmp_path}", "threads=1")
    assert worker_outcome(config).end == "now"
    assert run_of(configure.from_hydra(config)).state() == "finished"


class Slots:
    """Shares of a machine that nobody else uses."""

    stopped = False

    def claim(self) -> None:
        return None


def test_a_worker_in_the_process_of_the_sweep_leaves_its_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one worker joblib starts none: SIGTERM must end the sweep, not the run alone."""

    def of_sweep(*_: object) -> None:
        pass

    during: list[object] = []

    def attempt(config: Config) -> Outcome:
        during.append(signal.getsignal(signal.SIGTERM))
        return Outcome("now")

    monkeypatch.setattr("prefixrun.sweeps.launchers.attempt", attempt)
    before = signal.signal(signal.SIGTERM, of_sweep)
    try:
        for handler in (of_sweep, signal.SIG_DFL):
            signal.signal(signal.SIGTERM, handler)
            assert Worker(Slots())(composed()).end == "now"  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert during[0] is of_sweep
    assert during[1] not in (of_sweep, signal.SIG_DFL), "a process of its own ends its run"


def test_settings_that_cannot_be_composed_are_a_failed_run() -> None:
    outcome = worker_outcome(composed("decode.beams=0"))
    assert (outcome.end, outcome.exit_code) == ("failed", 2)
    assert "decode.beams=0" in outcome.reason


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (SystemExit(143), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (Interrupted("stopped"), "interrupted"),
        (FULL, "failed"),
    ],
)
def test_a_worker_returns_what_ends_a_sweep(error: BaseException, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(config: Config) -> Outcome:
        raise error

    monkeypatch.setattr("prefixrun.sweeps.launchers.attempt", attempt)
    assert worker_outcome(composed()).end == end


def test_a_launcher_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefixrun.sweeps.launchers.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"pip install 'prefixrun\[slurm\]'"):
        launcher(["hydra/launcher=slurm"])
    assert launcher([]) is None


def test_settings_that_are_added_reach_the_launcher_too() -> None:
    words = ["seed=1", "hydra/launcher=ray", "+hydra.launcher.ray.remote.num_gpus=1"]
    assert hydra_overrides(words) == words[1:]
    assert [point.overrides for point in sweep_points(words)] == [("seed=1",)]


@pytest.mark.needs("hydra_plugins.hydra_submitit_launcher")
def test_a_machine_without_the_cluster_says_so(tmp_path: Path) -> None:
    # In a process of its own: the plugin takes over the standard streams of the one it is in.
    words = ("-m", "prefixrun", "-m", *SMALL, "seed=1", "hydra/launcher=slurm")
    done = python(*words, cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "the launcher stopped: Could not detect" in done.stdout
    assert "1 not started" in done.stdout


def test_a_cluster_that_is_there_keeps_its_own_memory() -> None:
    ray = {"init": {"address": "auto"}, "remote": {}}
    config = OmegaConf.create({"hydra": {"launcher": {"ray": ray}}})
    _join_cluster(config)
    assert config.hydra.launcher.ray.init == {"address": "auto", "object_store_memory": None}
    other = OmegaConf.create({"hydra": {"launcher": {"n_jobs": 2}}})
    _join_cluster(other)
    assert other == {"hydra": {"launcher": {"n_jobs": 2}}}


@pytest.mark.parametrize(
    "words",
    [
        ("hydra/launcher=nope",),
        pytest.param(
            ("hydra/launcher=joblib", "hydra.launcher.n_jobs=x"),
            marks=pytest.mark.needs("hydra_plugins.hydra_joblib_launcher"),
        ),
    ],
)
def test_settings_that_a_launcher_does_not_take_are_named(words: tuple[str, ...], tmp_path: Path) -> None:
    done = python("-m", "prefixrun", "-m", *SMALL, "seed=1", *words, cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert words[-1].partition("=")[0] in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("per_gpu", "shares"), [((), ["0", "1"]), (("hydra.launcher.workers_per_gpu=3",), ["0", "1", "0", "1", "0", "1"])]
)
def test_workers_share_gpus_evenly(
    per_gpu: tuple[str, ...], shares: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPUs that are only named stand in for real ones: no worker loads anything here."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    settings, workers = _split_workers_per_gpu("joblib", ["hydra/launcher=joblib", *per_gpu])
    assert settings == ["hydra/launcher=joblib"]
    config = OmegaConf.create({"hydra": {"launcher": {"n_jobs": -1, "batch_size": "auto", "pre_dispatch": "2*n_jobs"}}})
    slots = _worker_slots("joblib", config, tmp_path, workers)
    assert slots is not None
    assert config.hydra.launcher.n_jobs == slots.workers == len(shares)
    assert [slots.gpu(slot) for slot in range(slots.workers)] == shares


@pytest.mark.parametrize(
    ("name", "settings", "gpus", "problem"),
    [
        ("joblib", ["=0"], "0", "give a whole number from 1"),
        ("joblib", ["=two"], "0", "give a whole number from 1"),
        ("slurm", ["=2"], "0", "belongs to hydra/launcher=joblib"),
        ("joblib", ["=2"], "", "there is no GPU here"),
        ("joblib", ["=2", "hydra.launcher.n_jobs=4"], "0", "leave hydra.launcher.n_jobs out"),
    ],
)
def test_runs_cannot_share_a_gpu(
    name: str, settings: list[str], gpus: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    with pytest.raises(ConfigError, match=problem):
        _split_workers_per_gpu(name, [WORKERS_PER_GPU + settings[0], *settings[1:]])

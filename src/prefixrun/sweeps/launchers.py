"""Where the runs of a sweep are worked on: Hydra's launchers, which are plugins behind extras of this package.

The runs decide for themselves what is left to do, and their locks keep two workers apart, so a launcher only has to
start each of them somewhere with the same results directory in sight.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from prefixrun import files
from prefixrun.config import compose
from prefixrun.config.grids import format_override
from prefixrun.errors import (
    ConfigError,
    Interrupted,
    MissingPartError,
    PrefixrunError,
    reading,
    shortened,
)
from prefixrun.runs import configure
from prefixrun.sweeps.attempts import Outcome, attempt
from prefixrun.sweeps.execute import Launch, Report
from prefixrun.sweeps.plan import Job, refresh
from prefixrun.sweeps.workers import WorkerSlots, available_cores, available_gpus

SERIAL = "basic"
EXTRAS = {
    "joblib": ("joblib", "hydra_joblib_launcher"),
    "slurm": ("slurm", "hydra_submitit_launcher"),
    "submitit_slurm": ("slurm", "hydra_submitit_launcher"),
    "submitit_local": ("slurm", "hydra_submitit_launcher"),
    "ray": ("ray", "hydra_ray_launcher"),
}
"""Launcher → the extra that installs it, and its plugin."""
WATCH_SECONDS = 5.0
"""How often the states of a launcher's runs are looked up."""


MOST_WORKERS = 4096
"""Of one machine."""
WORKERS_PER_GPU = "hydra.launcher.workers_per_gpu"
"""How many runs share a GPU, a setting that this program adds to the joblib launcher's."""


def launcher(overrides: Sequence[str], config_dir: Path | None = None) -> Launch | None:
    """The launcher that hydra/launcher among the overrides names; None for one run after the other.

    Raises MissingPartError when its extra is not installed.
    """
    settings = hydra_overrides(overrides)
    names = [setting.partition("=")[2] for setting in settings if setting.startswith("hydra/launcher=")]
    name = names[-1] if names else SERIAL
    if name == SERIAL:
        if surplus := [setting for setting in settings if not setting.startswith("hydra/launcher=")]:
            raise ConfigError(
                f"{shortened(surplus[0])}: belongs to a launcher; add hydra/launcher=NAME, or leave it out"
            )
        return None
    extra, plugin = EXTRAS.get(name, (name, ""))
    if plugin and not is_installed(plugin):
        raise MissingPartError(f"hydra/launcher={name}: is not installed; run: pip install 'prefixrun[{extra}]'")

    settings, per_gpu = _split_workers_per_gpu(name, settings)
    with compose.hydra_files(config_dir), settings_explained(settings):
        _sweep_config(settings, config_dir)  # what is wrong is reported before anything is made

    def launch(jobs: Sequence[Job], report: Report) -> None:
        directory = files.make_directory(Path(jobs[0].config.results_dir).expanduser() / "launcher")
        with compose.hydra_files(config_dir), tempfile.TemporaryDirectory(prefix="prefixrun-") as scratch:
            with settings_explained(settings):
                config = _sweep_config(
                    [*settings, format_override("hydra.sweep.dir", str(directory.resolve()))], config_dir
                )
                _join_cluster(config)
                slots = _worker_slots(name, config, Path(scratch), per_gpu)
            with _stopping_workers(slots):
                _launch(config, slots, jobs, report)

    return launch


def settings_explained(settings: Sequence[str]) -> AbstractContextManager[None]:
    """Turn what Hydra and OmegaConf raise for settings of a wrong name or type into a ConfigError."""
    return reading(" ".join(settings), "see docs/CLUSTERS.md", ConfigError)


def hydra_overrides(overrides: Sequence[str]) -> list[str]:
    """The overrides of Hydra's own settings; ``+`` adds one that a launcher's file does not name."""
    return [override for override in overrides if override.lstrip("+").startswith(("hydra/", "hydra."))]


def is_installed(plugin: str) -> bool:
    """Whether one of Hydra's plugins is there; without any, not even their common package exists."""
    return find_spec("hydra_plugins") is not None and find_spec(f"hydra_plugins.{plugin}") is not None


@dataclass(frozen=True, slots=True)
class Worker:
    """The task function that a launcher calls wherever it works; picklable."""

    slots: WorkerSlots | None
    """The shares of this machine's workers; None where a cluster shares out its machines."""

    def __call__(self, composed: DictConfig) -> Outcome:
        """How the run ended. Never raises; a signal comes back as "interrupted"."""
        # With one worker joblib works in the sweep's own process, whose handler ends the sweep.
        if self.slots is None or signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)
        try:
            overrides = HydraConfig.get().overrides.task if HydraConfig.initialized() else ()
            config = configure.from_hydra(composed, overrides)
            threads = self.slots.claim() if self.slots else _threads_of_the_cluster()
            if self.slots and self.slots.stopped:
                return Outcome("not started")
            if threads is not None and config.threads is None:
                config = replace(config, threads=threads)
            return attempt(config)
        except (KeyboardInterrupt, SystemExit, Interrupted):
            return Outcome("interrupted", exit_code=Interrupted.exit_code)
        except PrefixrunError as error:
            return Outcome("failed", str(error), error.exit_code)


def _launch(config: DictConfig, slots: WorkerSlots | None, jobs: Sequence[Job], report: Report) -> None:
    loader = GlobalHydra.instance().config_loader()
    from hydra._internal.callbacks import Callbacks

    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=Worker(slots), config=config
    )
    try:
        with _watching(jobs, report):
            returned = launcher.launch([list(job.point.overrides) for job in jobs], initial_job_idx=0)
    except Exception as error:  # no such cluster here, a node that died: what the plugins raise is their own
        raise PrefixrunError(f"the launcher stopped: {shortened(error, 1000)}") from error
    for index, result in enumerate(returned):
        report(index, _outcome(result))


@contextmanager
def _watching(jobs: Sequence[Job], report: Report) -> Iterator[None]:
    """Report runs as their results appear: launchers return only when the last has ended."""
    ended = threading.Event()

    def watch() -> None:
        unfinished = dict(enumerate(jobs))
        while not ended.wait(WATCH_SECONDS):
            for index, job in list(unfinished.items()):
                if refresh(job).state == "finished":
                    del unfinished[index]
                    report(index, Outcome("now"))

    watcher = threading.Thread(target=watch, name="sweep-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _outcome(result: JobReturn) -> Outcome:
    value: Any = result._return_value
    if result.status == JobStatus.COMPLETED and isinstance(value, Outcome):
        return value
    return Outcome("failed", f"{type(value).__name__}: {value}", 1)


def _sweep_config(settings: Sequence[str], config_dir: Path | None) -> DictConfig:
    loader = GlobalHydra.instance().config_loader()
    overrides = [*compose.search_path(config_dir), *settings]
    return loader.load_configuration(compose.CONFIG_NAME, overrides, run_mode=RunMode.MULTIRUN)


def _join_cluster(config: DictConfig) -> None:
    """Take back a default of the Ray plugin that only a cluster which it starts itself may have."""
    if OmegaConf.select(config, "hydra.launcher.ray.init.address") is not None:
        OmegaConf.update(config, "hydra.launcher.ray.init.object_store_memory", None, force_add=True)


def _split_workers_per_gpu(name: str, settings: Sequence[str]) -> tuple[list[str], int]:
    """The plugin's own settings, and how many workers a GPU has.

    Raises ConfigError for a number that is none, another launcher, a machine without GPUs, and a number of workers
    beside it.
    """
    others = [setting for setting in settings if setting.lstrip("+").partition("=")[0] != WORKERS_PER_GPU]
    mine = [setting for setting in settings if setting not in others]
    if not mine:
        return others, 1
    value = mine[-1].partition("=")[2]
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_WORKERS):
        raise ConfigError(f"{shortened(mine[-1])}: give a whole number from 1 to {MOST_WORKERS}")
    if name != "joblib":
        raise ConfigError(f"{mine[-1]}: belongs to hydra/launcher=joblib; a cluster shares out its GPUs itself")
    if not available_gpus():
        raise ConfigError(f"{mine[-1]}: there is no GPU here; give hydra.launcher.n_jobs=N")
    if any(setting.startswith("hydra.launcher.n_jobs=") for setting in others):
        raise ConfigError(f"{mine[-1]}: already says how many workers there are; leave hydra.launcher.n_jobs out")
    return others, int(value)


def _worker_slots(name: str, config: DictConfig, scratch: Path, per_gpu: int) -> WorkerSlots | None:
    """Shares of this machine for joblib's workers. -1 workers: `per_gpu` for each GPU, or one for two cores without."""
    if name != "joblib":
        return None
    cores, gpus = available_cores(), available_gpus()
    # The plugin's own default gathers quick runs into batches for one worker.
    OmegaConf.update(config, "hydra.launcher.batch_size", "1")
    n_jobs = int(OmegaConf.select(config, "hydra.launcher.n_jobs"))
    if n_jobs > MOST_WORKERS:
        raise ConfigError(f"hydra.launcher.n_jobs={n_jobs}: at most {MOST_WORKERS} workers are started")
    if (formula := OmegaConf.select(config, "hydra.launcher.pre_dispatch")) != "2*n_jobs":
        raise ConfigError(f"hydra.launcher.pre_dispatch={formula}: is a formula that joblib works out; leave it out")
    workers = n_jobs if n_jobs > 0 else len(gpus) * per_gpu or max(1, (len(cores) or os.cpu_count() or 1) // 2)
    OmegaConf.update(config, "hydra.launcher.n_jobs", workers)
    return WorkerSlots(str(scratch), workers, tuple(cores), tuple(gpus))


def _threads_of_the_cluster() -> int | None:
    """The cores of a SLURM job; Ray tells PyTorch by itself."""
    cores = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return int(cores) if cores.isdigit() else None


@contextmanager
def _stopping_workers(slots: WorkerSlots | None) -> Iterator[None]:
    """While workers of this machine run, the first signal lets each save its step and end; then it ends the sweep."""
    if slots is None:
        yield
        return
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        slots.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)

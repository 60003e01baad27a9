"""One run from configuration to result: train, generate, score, show. Every stage starts from the last one's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun import SEMANTICS
from prefixrun.analysis import paper_numbers
from prefixrun.cli import run_summary
from prefixrun.config.schema import Config
from prefixrun.config.validate import defaults
from prefixrun.console import LOG, logging_to, say
from prefixrun.data import Corpus
from prefixrun.data.run_data import Corpora, Parts, keep_choice
from prefixrun.errors import ConfigError, DiskFullError, PrefixrunError
from prefixrun.files import read_json_lines
from prefixrun.models.weights import locate
from prefixrun.runs.run import Run

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone

NOT_IDENTITY = (
    *("profile", "data_dir", "results_dir", "device", "threads", "joint", "keep_trained"),
    *("budget", "recipe", "variant"),
)
"""Settings that change no number: where things lie and what computes them, and where other settings come from, which
count themselves. The corpus counts by its content."""


def run(config: Config) -> int:
    """Do a run, resume it, or show it when it is done. Returns the exit code 0; errors are raised."""
    if config.joint > 1:
        raise ConfigError(
            f"joint={config.joint}: only the runs of a sweep are trained together; add -m, or leave it out"
        )
    this = find(config)
    if this.state() == "finished":
        _open(config, "not needed")
        say(run_summary.finished_line(this.result()))
    else:
        carry_out(this, config, *ready(config))
    show(this, config)
    return 0


def find(config: Config) -> Run:
    """The run of a configuration; nothing is written, tokenised or loaded but the corpora. Errors as its parts'."""
    return Run(
        Path(config.results_dir).expanduser(),
        task=config.task.name,
        method=config.method.name,
        model=config.model.name,
        identity=identity(config, Parts.of(config)),
    )


def ready(config: Config, *, quiet: bool = False) -> tuple[Corpora, Backbone]:
    """What a run starts from, before anything is written. Raises ConfigError when the configuration cannot be run."""
    from prefixrun.runs import stages

    if not quiet:
        _open(config, stages.device(config))
    corpora = Corpora.load(config)
    backbone = stages.load_backbone(config)
    stages.check_fit(config, backbone, corpora)
    return corpora, backbone


def carry_out(this: Run, config: Config, corpora: Corpora, backbone: Backbone, *, quiet: bool = False) -> bool:
    """Take the run from wherever it is to its result; False when another process had just finished it.

    Whatever ends it early is kept as its failure, except an interruption and a full disk, which has no room for it.
    """
    from prefixrun.runs import stages

    with this.hold():
        if this.state() == "finished":
            return False
        with logging_to(this.log, screen=not quiet), kept_as_failure(this):
            keep_choice(this.subset, corpora)
            stages.complete(this, config, corpora, backbone)
    return True


@contextmanager
def kept_as_failure(this: Run) -> Iterator[None]:
    """What is raised within is kept as the run's failure, a defect with its traceback.

    Except an interruption, and a full disk, which has no room for it.
    """
    try:
        yield
    except DiskFullError:
        raise
    except PrefixrunError as error:
        this.fail(str(error))
        raise
    except Exception as error:
        LOG.exception("%s", type(error).__name__)
        this.fail(f"{type(error).__name__}: {error}")
        raise


def _open(config: Config, device: str) -> None:
    source = "the sample corpus" if config.data_dir is None else f"{config.task.name} in {config.data_dir}"
    say(run_summary.opening_line(profile=config.profile, model=config.model.name, data=source, device=device))
    say(run_summary.recipe_line(config.recipe, config.variant))
    if config.budget is not None:
        from prefixrun.methods.budget import sentence

        say(sentence(config))


def identity(config: Config, parts: Parts) -> dict[str, Any]:
    """Everything that can change a number of the run: settings, contents of data and model, and our own semantics."""
    data = {corpus.split: _files(corpus) for corpus in (parts.train, parts.dev, parts.test)}
    return identity_of(config, model=locate(config.model).fingerprint, data=data)


def identity_of(
    config: Config, *, model: str, data: Mapping[str, Sequence[Mapping[str, Any]]], semantics: int = SEMANTICS
) -> dict[str, Any]:
    """The identity of a run of which only the fingerprint of its model and the files of its data are known."""
    settings = {key: value for key, value in asdict(config).items() if key not in NOT_IDENTITY}
    settings["init"]["default_words"] = config.default_words
    del settings["task"]["default_words"]
    del settings["model"]["path"], settings["decode"]["batch_size"], settings["train"]["checkpoint_every"]
    return {
        "semantics": semantics,
        "settings": changed_from(defaults(), settings),
        "model": model,
        "data": data,
    }


def changed_from(before: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from their defaults: a key that is added later does not change what a run is."""
    changed: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            changed[key] = changed_from(before.get(key, {}), value)
        elif key not in before or value != before[key]:
            changed[key] = value
    return changed


def show(this: Run, config: Config) -> None:
    """Print a finished run beside the paper's rows."""
    result = this.result()
    paths = {
        "scores, costs, provenance": this.result_json,
        "every input with its output and references": this.generations,
        "what was trained": this.trained_file,
        "counts behind the scores, one row an input": this.stats,
    }
    run_summary.closing(
        result,
        paper_numbers.rows(config.task.name, split=result["split"]),
        read_json_lines(this.generations).records,
        paths,
        _next_command(config),
    )


def _next_command(config: Config) -> str:
    name, method = config.task.name, config.method
    words = [f"task={name}"]
    if method.name != "prefix":
        sizes = {key: getattr(method, key) for key in ("layers", "bottleneck", "rank")}
        words += [f"method={method.name}", *(f"method.{key}={size}" for key, size in sizes.items() if size is not None)]
    if config.model.name != "smollm2_135m":
        words.append(f"model={config.model.name}")
    if config.data_dir is None:
        return f"prefixrun profile=laptop {' '.join(words)} data_dir=DIR    (the real corpus, in DIR/{name}/)"
    return f"prefixrun profile={config.profile} {' '.join(words)} data_dir={config.data_dir} seed=1,2,3 -m"


def _files(corpus: Corpus) -> list[dict[str, Any]]:
    return [asdict(file) for file in corpus.files]

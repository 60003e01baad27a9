"""The runs whose prefixes method=prefix_combined makes one of. Imports no torch before a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun.config.method_specs import spec_of
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import flatten
from prefixrun.data import LOADERS
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError
from prefixrun.files import digest, read_json
from prefixrun.runs.source_run import AGAIN, SourceRun, refuse_other_digest, shapes_of, source_run

if TYPE_CHECKING:
    from prefixrun.methods.init_source import InitSource

KEY = "method.runs"
_OF_TASK = re.compile(r"([A-Za-z0-9._-]+)(?:@([0-9]+))?")
_ALIKE = (
    *("prefix_len", "train_size", "data_fraction", "subsample_seed"),
    *("train.epochs", "train.max_steps", "train.batch_size", "train.accumulate", "train.objective"),
)
"""Settings in which a run that is named by its task agrees with the combination: its length and amount of training."""


def with_combination(config: Config) -> Config:
    """The configuration with the ids, tasks and digest of the runs that it combines, their sites and layers, and the
    length of the combination.

    Raises ConfigError for runs that are not there, give no prefix of the configuration's model, or do not fit together;
    DamagedStateError for one that is not what it wrote.
    """
    if config.method.name != "prefix_combined" or config.method.runs is None:
        return config
    sources = source_runs(config)
    actual = _digest_of(digest(source.trained_file) for source in sources)
    refuse_other_digest("method.digest", config.method.digest, actual, f"what {KEY} names")
    lengths = [_length_of(source) for source in sources]
    settings = {
        # Tasks become ids, because the length that goes with them is now that of the combination.
        "runs": "+".join(_named(name, config) for name in str(config.method.runs).split("+")),
        "sources": "+".join(str(source.result["task"]) for source in sources),
        "digest": actual,
        **_place_of(sources[0]),
    }
    length = sum(lengths) if config.method.combine == "concatenate" else lengths[0]
    return replace(config, prefix_len=length, method=replace(config.method, **settings))


def source_runs(config: Config) -> list[SourceRun]:
    """The runs in their order. Raises as with_combination."""
    names = str(config.method.runs).split("+")
    sources = [source_run(config, _named(name, config), KEY) for name in names]
    if config.method.combine == "keys_values" and len(sources) != 2:
        raise ConfigError(f"{KEY}: method.combine=keys_values takes two runs, and there are {len(sources)}")
    first, *others = sources
    for source in others:
        both = f"{KEY}: the prefixes of runs {first.run_id} and {source.run_id}"
        if _place_of(source) != _place_of(first):
            raise ConfigError(
                f"{both} stand in different places ({_shown(first)} and {_shown(source)}); name runs with the same "
                "method.sites and method.layers"
            )
        if config.method.combine != "concatenate" and _length_of(source) != _length_of(first):
            raise ConfigError(
                f"{both} have the lengths {_length_of(first)} and {_length_of(source)}; name runs of one length, or "
                "give method.combine=concatenate"
            )
    return sources


def combination(config: Config) -> InitSource:
    """The combined prefix, as the initialisation of a run that trains nothing. Raises as with_combination."""
    from prefixrun.methods.init_source import InitSource
    from prefixrun.methods.prefix_combined import combined

    sources = source_runs(config)
    prefixes, digests = zip(*(source.read() for source in sources), strict=True)
    if _digest_of(digests) != config.method.digest:
        raise DamagedStateError(f"{KEY}: a prefix has changed since this run was asked for; {AGAIN}")
    weights = [float(weight) for weight in (config.method.weights or "").split(":") if weight] or None
    tensors = combined(str(config.method.combine), prefixes, weights)
    return InitSource(trained=tensors, run="+".join(source.run_id for source in sources))


def _digest_of(digests: Iterable[str]) -> str:
    """The value of method.digest: SHA-256 over those of the prefixes."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _named(name: str, config: Config) -> str:
    """A run as source_run takes it: what names a task becomes the id of its one run that fits the combination."""
    match = _OF_TASK.fullmatch(name)
    if match is None or match[1] not in LOADERS:
        return name
    task, seed = match[1], config.seed if match[2] is None else int(match[2])
    settings = dict(flatten(asdict(config)))
    wanted = {"seed": seed, **{key: settings.get(key) for key in _ALIKE}}
    rates: dict[str, float] = {}
    trainings: set[str] = set()  # by their contents: inputs may have been decoded anew with one training
    for path in sorted((Path(config.results_dir).expanduser() / "runs").glob(f"{task}-*/result.json")):
        try:
            result = read_json(path)
        except PrefixrunError:
            continue  # `prefixrun ls` names damaged results
        if result.get("task") == task and result.get("model") == config.model.name and _fits(result, wanted):
            trained = path.parent / spec_of(result["method"]).trained_file
            training = digest(trained) if trained.is_file() else str(result["run_id"])
            if training not in trainings:
                rates[str(result["run_id"])] = result["settings"]["train"]["lr"]
            trainings.add(training)
    # Methods have learning rates of their own, so that these count only where several runs fit.
    ids = (
        list(rates)
        if len(rates) < 2
        else [run for run, rate in rates.items() if rate == config.train.lr] or list(rates)
    )
    if len(ids) != 1:
        raise ConfigError(
            f"{KEY}={name}: no finished run of a prefix on {task} in {config.results_dir} has this run's prefix_len, "
            f"training pairs and steps, and seed={seed}; do that run first, or name another by its id"
            if not ids
            else f"{KEY}={name}: {len(ids)} runs fit ({', '.join(ids)}); name one by its id"
        )
    return ids[0]


def _fits(result: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    spec, stored = spec_of(result.get("method")), result.get("settings", {})
    if not (spec.stores_prefix and spec.trains and spec.shifts_text) or stored.get("method", {}).get("nested"):
        return False
    settings_of_run = dict(flatten(stored))
    return "train.lr" in settings_of_run and all(settings_of_run.get(key) == value for key, value in wanted.items())


def _place_of(source: SourceRun) -> dict[str, Any]:
    """Sites and layers of its prefix, as settings."""
    method = source.result.get("settings", {}).get("method", {})
    return {"sites": method.get("sites", "all"), "layers": method.get("layers")}


def _length_of(source: SourceRun) -> int:
    return next(iter(shapes_of(source).values()))[3]


def _shown(source: SourceRun) -> str:
    return ", ".join(f"method.{key}={value}" for key, value in _place_of(source).items() if value is not None)

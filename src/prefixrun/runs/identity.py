"""The identity of a run: every setting that can change a number, the data, the model and this program's semantics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefixrun.config.method_specs import spec_of
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import outside_identity, without
from prefixrun.config.validate import defaults
from prefixrun.data import Corpus
from prefixrun.data.run_data import TaskSplits
from prefixrun.models.weights import locate
from prefixrun.runs.run import Run
from prefixrun.runs.version import SEMANTICS, meaning_of_runs


def find_run(config: Config) -> Run:
    """The run of a configuration; nothing is written, tokenised or loaded but the corpora.

    Raises:
        ConfigError, DataError, MissingPartError: the model or the corpora are not here or not what they should be.
    """
    return Run(
        Path(config.results_dir).expanduser(),
        task=config.task.name,
        method=config.method.name,
        model=config.model.name,
        identity=identity(config, TaskSplits.of(config)),
    )


def identity(config: Config, splits: TaskSplits) -> dict[str, Any]:
    """Everything that can change a number of the run: settings, contents of data and model, and the semantics.

    Corpora and models count by their contents, wherever they lie.
    """
    data = {corpus.split: _files(corpus) for corpus in (splits.train, splits.dev, splits.test)}
    return identity_of(config, model=locate(config.model).fingerprint, data=data)


def identity_of(
    config: Config, *, model: str, data: Mapping[str, Sequence[Mapping[str, Any]]], semantics: int = SEMANTICS
) -> dict[str, Any]:
    """The identity of a run of which only the fingerprint of its model and the files of its data are known."""
    settings = without(asdict(config), outside_identity())
    settings["init"]["default_words"] = config.default_words  # the text in use counts, whichever of the two gives it
    # Discrete prompting takes the task's words, never those of the initialisation.
    is_prompt = "method.instruction" in spec_of(config.method.name).settings
    if not (is_prompt and config.method.instruction is None and config.init.default_words):
        del settings["task"]["default_words"]
    if config.model.layout == "chat":
        settings["task"]["instruction"] = config.instruction  # so does that of a chat
    changed = changed_from(defaults(), settings)
    if not changed["distill"]:  # a section that runs of earlier versions did not have
        del changed["distill"]
    return {
        "semantics": meaning_of_runs(semantics),
        "settings": changed,
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


def _files(corpus: Corpus) -> list[dict[str, Any]]:
    return [asdict(file) for file in corpus.files]

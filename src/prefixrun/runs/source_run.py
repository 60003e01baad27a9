"""What init=text, init=run and the teacher of a distillation name: a text or a file, and another run, with what they
make of a configuration.

Imports no torch, but for the length of a text, which the model's tokenizer says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun.config.method_specs import METHOD_SPECS, spec_of
from prefixrun.config.schema import Config, ModelConfig
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError, reading, shortened
from prefixrun.files import digest, read_json
from prefixrun.models.weights import locate
from prefixrun.runs.result_schema import validate_result
from prefixrun.runs.run import run_id_of
from prefixrun.training.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from prefixrun.methods.base import PrefixKeyValues
    from prefixrun.methods.init_source import InitSource

LARGEST_TEXT = 2**24
"""Bytes of a file with a text; no model reads so many."""

AGAIN = "run its command again, or give another run to init.run"


@dataclass(frozen=True, slots=True)
class SourceRun:
    """The run that init.run names."""

    directory: Path
    result: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """12 hexadecimal digits."""
        return str(self.result["run_id"])

    @property
    def trained_file(self) -> Path:
        """The file with its prefix."""
        return self.directory / spec_of(self.result["method"]).trained_file

    def read(self) -> tuple[PrefixKeyValues, str]:
        """Its prefix and the SHA-256 of the file. Raises DamagedStateError."""
        from safetensors.torch import load

        with reading(self.trained_file, AGAIN, DamagedStateError):
            content = self.trained_file.read_bytes()
            return load(content), hashlib.sha256(content).hexdigest()


def with_init_source(config: Config, user_keys: Collection[str]) -> Config:
    """The configuration with the digest of what its prefix is initialised from and, unless prefix_len is among the
    user's keys or a budget chooses it, the length of that text or prefix.

    Raises ConfigError for a text or a run that is not there or gives no prefix, and as models.loading.tokenizer_of.
    """
    init, spec = config.init, METHOD_SPECS[config.method.name]
    if not spec.has_init:
        return config
    has_length = "prefix_len" in user_keys or config.budget is not None
    if init.name == "text" and (init.text or init.file):
        text = text_of(config)
        actual = hashlib.sha256(text.encode()).hexdigest()
        length = config.prefix_len if has_length else _text_length(config.model, text, locate(config.model).fingerprint)
    elif init.name == "run" and init.run:
        source = source_run(config)
        actual = digest(source.trained_file)
        length = config.prefix_len if has_length else int(source.result["prefix_len"])
    else:
        return config
    refuse_other_digest("init.digest", init.digest, actual, f"what init={init.name} names")
    return replace(config, prefix_len=max(1, length), init=replace(init, digest=actual))


def with_teacher(config: Config) -> Config:
    """The configuration with the digest of the instruction that its teacher reads.

    Raises ConfigError for one that is not there or is another than the digest says.
    """
    distill = config.distill
    if not (distill.text or distill.file):
        return config
    actual = hashlib.sha256(instruction_of(config).encode()).hexdigest()
    refuse_other_digest("distill.digest", distill.digest, actual, "the instruction")
    return replace(config, distill=replace(distill, digest=actual))


def refuse_other_digest(key: str, value: str | None, actual: str, content: str) -> None:
    """Raise ConfigError where the setting `key` has a value, and that is not the digest of the content."""
    if value not in (None, actual):
        raise ConfigError(
            f"{key}={shortened(value, 12)}: {content} has SHA-256 {actual[:12]}; leave {key} out, or name what it was "
            "made from"
        )


def text_of(config: Config) -> str:
    """The text of init=text, without blanks around it. Raises ConfigError for one that cannot be read or is empty."""
    return _text("init.file", config.init.text, config.init.file)


def instruction_of(config: Config) -> str:
    """The text of distill.text or distill.file in the same way; empty where neither is given."""
    return _text("distill.file", config.distill.text, config.distill.file)


def _text(key: str, text: str | None, file: str | None) -> str:
    """A text, or that of a file, which the setting `key` names."""
    if file is None:
        return (text or "").strip()
    path, what = Path(file).expanduser(), f"{key}={shortened(file)}"
    with reading(what, "give a text file in UTF-8", ConfigError):
        if path.stat().st_size > LARGEST_TEXT:
            raise ConfigError(f"{what}: has more than {LARGEST_TEXT:,} bytes, which no model reads; give a shorter one")
        text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise ConfigError(f"{what}: has no text; give one of at least a token")
    return text


def source_run(config: Config, name: str | None = None, key: str = "init.run") -> SourceRun:
    """The finished run that `name` names, the value of the setting `key`, by default that of init.run, with a prefix
    that the configuration's model can have.

    Raises ConfigError when there is none, more than one, or it is of another kind; DamagedStateError when its result
    or its prefix is not what it wrote.
    """
    name = str(config.init.run) if name is None else name
    what = f"{key}={shortened(name)}"
    source = _finished_run(what, name, Path(config.results_dir).expanduser())
    result = source.result
    spec = spec_of(result["method"])
    if not (spec.stores_prefix and spec.shifts_text and set(shapes_of(source)) <= {"decoder", "encoder", "cross"}):
        raise ConfigError(
            f"{what}: is a run of method={result['method']}, which has no keys and values that could "
            "initialise a prefix; name a run of prefix or prefix_flat"
        )
    expected, actual = result.get("backbone", {}).get("sha256"), locate(config.model).fingerprint
    if expected != actual:
        raise ConfigError(
            f"{what}: was trained on {result['model']} with SHA-256 {str(expected)[:12]}, and model="
            f"{config.model.name} is {actual[:12]}; a prefix fits the model it was trained on alone"
        )
    if result.get("settings", {}).get("model", {}).get("layers") != config.model.layers:
        raise ConfigError(
            f"{what}: was trained on {result['model']}, and this model is {config.model.name}, other layers of the "
            "same weights; give the same model.layers"
        )
    return source


def trained_source(config: Config, shapes: Mapping[str, Sequence[int]]) -> InitSource:
    """What init=run names.

    shapes: by site, (layers, 2, kv_heads, prefix_len, head_dim) of the prefix to initialise. Raises as `source_run`,
    and ConfigError for a prefix of other sites, layers or another length.
    """
    from prefixrun.methods.init_source import InitSource

    what = f"init.run={shortened(config.init.run)}"
    source = source_run(config)
    tensors, actual = source.read()
    if actual != config.init.digest:
        raise DamagedStateError(f"{source.trained_file}: has changed since this run was asked for; {AGAIN}")
    if set(tensors) != set(shapes):
        raise ConfigError(
            f"{what}: has a prefix at {', '.join(sorted(tensors))}, and this one is at {', '.join(sorted(shapes))}; "
            "give the same method.sites"
        )
    layers = source.result.get("settings", {}).get("method", {}).get("layers")
    if layers != config.method.layers:
        raise ConfigError(
            f"{what}: its prefix is at {_layers(layers)}, and this one at {_layers(config.method.layers)}; give "
            "the same method.layers"
        )
    for site, tensor in tensors.items():
        if tensor.shape[3] != shapes[site][3]:
            raise ConfigError(
                f"{what}: its prefix has length {tensor.shape[3]}, and prefix_len={config.prefix_len}; leave "
                "prefix_len out, or name a run of that length"
            )
        if tuple(tensor.shape) != tuple(shapes[site]):
            raise ConfigError(
                f"{what}: has a prefix in {tensor.shape[0]} layers, and this one is in {shapes[site][0]}; name a run "
                "with the same layers"
            )
    return InitSource(trained=tensors, run=source.run_id)


def _layers(choice: int | str | None) -> str:
    return "all layers" if choice is None else f"method.layers={choice}"


def _finished_run(what: str, name: str, results_dir: Path) -> SourceRun:
    """The run by its directory or by the beginning of its id, with its checked result."""
    directory = Path(name).expanduser()
    if not (directory / "result.json").is_file():
        runs = results_dir / "runs"
        with reading(runs, "give a results_dir with runs", ConfigError):
            directories = sorted(runs.iterdir()) if runs.is_dir() else []
        matches = [path for path in directories if run_id_of(path).startswith(name)]
        matches = [path for path in matches if (path / "result.json").is_file()]
        if len(matches) != 1:
            many = f"{len(matches)} finished runs of {results_dir} begin like this; give more of the id"
            none = f"no finished run of {results_dir} has this id, and no run is in such a directory; "
            raise ConfigError(f"{what}: {many if matches else none + '`prefixrun ls` lists them'}")
        directory = matches[0]
    try:
        result = read_json(directory / "result.json")
        problems = validate_result(result)
    except PrefixrunError as error:
        raise DamagedStateError(f"{what}: {error}") from error
    if problems:
        raise DamagedStateError(f"{what}: {directory / 'result.json'}: {problems[0]}; {AGAIN}")
    source = SourceRun(directory, result)
    if not source.trained_file.is_file():
        raise ConfigError(
            f"{what}: {source.trained_file.name} is not there: committed records and runs with keep_trained=false do "
            f"not keep it; {AGAIN}"
        )
    Manifest(directory / MANIFEST, source.run_id).check(source.trained_file.name, AGAIN)
    return source


def shapes_of(source: SourceRun) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in the file of a run, from its header."""
    with reading(source.trained_file, AGAIN, DamagedStateError), source.trained_file.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
        return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


@lru_cache(maxsize=64)
def _text_length(model: ModelConfig, text: str, _fingerprint: str) -> int:
    """Tokens of a text, for the points of a sweep alike."""
    from prefixrun.methods.context import text_ids
    from prefixrun.models.loading import tokenizer_of

    return len(text_ids(tokenizer_of(model), text))

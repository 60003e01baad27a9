"""Which files of a directory in Hugging Face format make the model: exactly these are hashed, exactly these are loaded.

Imports no torch. Weights are read from safetensors alone: a pickle can run code, and of two formats in one directory
nobody could say which one counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefixrun.errors import ConfigError, reading, shortened

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Names the files of weights that are stored in shards."""
VOCABULARIES = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",), ("spiece.model",))
"""Files that hold a tokenizer's tokens, any one of these sets."""
TOKENIZER_FILES = (
    *(name for names in VOCABULARIES for name in names),
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
"""Everything that a tokenizer may be read from."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
COMPLETE = (
    "there must be config.json, model.safetensors (or its shards) and tokenizer.json (or vocab.json and merges.txt) "
    "in it, as save_pretrained() of transformers writes them"
)
COPY_AGAIN = "copy or download it again"
UNUSABLE: Mapping[str, str] = {
    "auto_map": "names code of its own, and code that comes with a model is never run; take a model of transformers",
    "quantization_config": "says that the weights are quantised; give the model in float32, float16 or bfloat16",
    "init_inputs": "may name files elsewhere; write the tokenizer again with save_pretrained()",
    "vocab": "may name a file elsewhere; write the tokenizer again with save_pretrained()",
    "merges": "may name a file elsewhere; write the tokenizer again with save_pretrained()",
}
"""Keys of a model's JSON files that it cannot be used with, and why."""
_POINTER = b"version https://git-lfs"
"""How a file begins that Git's large-file storage has left in place of the real one."""


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """The files of one model, all of them there and inside the directory."""

    path: Path
    label: str
    """The key and value that name it in messages."""
    config: Path
    weights: tuple[Path, ...]
    """One file, or all shards that the index names, by name."""
    index: Path | None
    """The index of the shards; None for weights in one file."""
    tokenizer: tuple[Path, ...]
    """Those of TOKENIZER_FILES that are there."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that is loaded."""
        index = () if self.index is None else (self.index,)
        return (self.config, *self.tokenizer, *index, *self.weights)


def contents(path: Path, label: str) -> ModelDirectory:
    """The files that make the model in `path`.

    Raises ConfigError, which begins with `label`, for a directory that lacks one, where one is no file or leads out of
    the directory, and for weights that are not safetensors.
    """
    with reading(label, COMPLETE, ConfigError):
        path = path.expanduser()
        if not path.is_dir():
            raise ConfigError(f"{label}: is no directory; {COMPLETE}")
        config = config_file(path, label)
        index, weights = _weights(path, label)
        tokenizer = tuple(_file(path, name, label) for name in TOKENIZER_FILES if _is_listed(path, name))
        names = {file.name for file in tokenizer}
        if not any(names.issuperset(vocabulary) for vocabulary in VOCABULARIES):
            raise ConfigError(f"{label}: has no tokenizer; {COMPLETE}")
        read_object(config, label)
        if TOKENIZER_CONFIG in names:
            read_object(path / TOKENIZER_CONFIG, label)
    return ModelDirectory(path, label, config, weights, index, tokenizer)


def config_file(path: Path, label: str) -> Path:
    """The config.json of a model, which says its shape without its weights. Raises ConfigError as `contents` does."""
    if not _is_listed(path, CONFIG):
        raise ConfigError(f"{label}: there is no {CONFIG} in it; {COMPLETE}")
    return _file(path, CONFIG, label)


def read_object(path: Path, label: str) -> dict[str, Any]:
    """The JSON object in a file of a model. Raises ConfigError for another content, or a key of UNUSABLE."""
    with reading(f"{label}: {path.name}", COPY_AGAIN, ConfigError):
        value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ConfigError(f"{label}: {path.name} is no JSON object but {shortened(value, 40)}; {COPY_AGAIN}")
    for key, reason in UNUSABLE.items():
        if value.get(key):
            raise ConfigError(f"{label}: {key} in {path.name} {reason}")
    return value


def _weights(path: Path, label: str) -> tuple[Path | None, tuple[Path, ...]]:
    """The index, if there is one, and the files with the weights: the single file comes first, as in transformers."""
    if _is_listed(path, WEIGHTS):
        return None, (_file(path, WEIGHTS, label),)
    if _is_listed(path, INDEX):
        index = _file(path, INDEX, label)
        return index, tuple(_file(path, name, label) for name in sorted(set(weight_map(index, label).values())))
    if pickles := sorted(file.name for pattern in PICKLES for file in path.glob(pattern)):
        raise ConfigError(
            f"{label}: its weights are in {shortened(pickles[0])}, and only safetensors are read, which can run no "
            "code; load it with transformers and write it with save_pretrained(DIR, safe_serialization=True)"
        )
    if _is_listed(path, "adapter_config.json"):
        raise ConfigError(f"{label}: is an adapter of PEFT, not a model; merge_and_unload() and save_pretrained() it")
    others = sorted(file.name for file in path.glob("*.safetensors"))
    other = f" (there is {shortened(others[0])}, which nothing names as the model's)" if others else ""
    raise ConfigError(f"{label}: has no {WEIGHTS}{other}; {COMPLETE}")


def weight_map(index: Path, label: str) -> dict[str, str]:
    """Name of a tensor -> name of the shard that holds it. Raises ConfigError for anything else in the index."""
    names = read_object(index, label).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ConfigError(f"{label}: {index.name} names no weights; {COPY_AGAIN}")
    for name in names.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise ConfigError(
                f"{label}: {index.name} names {shortened(name)!r}, which is no safetensors file in the directory"
            )
    return names


def _is_listed(path: Path, name: str) -> bool:
    """Whether the directory has an entry of this name, be it a link that leads nowhere."""
    return (path / name).exists() or (path / name).is_symlink()


def _file(path: Path, name: str, label: str) -> Path:
    """A file of the directory, once it is sure that it can be read as what its name says."""
    file = path / name
    if not _is_listed(path, name):
        raise ConfigError(f"{label}: {shortened(name)} is not there, and {INDEX} names it; {COPY_AGAIN}")
    target = file.resolve()
    if not any(target.is_relative_to(root) for root in _roots(path)):
        raise ConfigError(f"{label}: {name} is a link that leads out of the directory; put the file itself there")
    if not target.is_file():
        raise ConfigError(f"{label}: {name} is no file; {COPY_AGAIN}")
    with reading(f"{label}: {name}", COPY_AGAIN, ConfigError), open(target, "rb") as stream:
        beginning = stream.read(len(_POINTER))
    if not beginning:
        raise ConfigError(f"{label}: {name} is empty; {COPY_AGAIN}")
    if beginning == _POINTER:
        raise ConfigError(
            f"{label}: {name} is a pointer of Git's large-file storage in place of the file; run `git lfs pull` there"
        )
    return file


def _roots(path: Path) -> Iterator[Path]:
    """Where the files of a model may lie: in its directory, and among the blobs of a hub's cache that has it."""
    directory = path.resolve()
    yield directory
    if directory.parent.name == "snapshots":
        yield directory.parent.parent / "blobs"

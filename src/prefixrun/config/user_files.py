"""Files of choices of a user's own (``--config-dir DIR``): read within bounds, and checked before Hydra composes them.

YAML can name itself, grow without end when its aliases are followed, and nest deeper than any reader; Hydra can be made
to build any class by a key of its own settings. So every file that is opened is a plain UTF-8 mapping of bounded size,
and says nothing of Hydra but, in hydra/launcher/, the values of a launcher's settings.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf._utils import get_yaml_loader

from prefixrun.config.hydra_settings import LAUNCHER, NO_PLAIN_VALUE, PLAIN_NAME, is_plain
from prefixrun.errors import ConfigError, reading, shortened

LARGEST = 2**20
"""Bytes of a file; the largest that is shipped has 3,000."""
MOST_NODES = 50_000
"""Values in a file when all aliases are followed."""
DEEPEST = 20
"""Levels of nesting."""

_WITHOUT_END = "an alias contains itself; write the values out"
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null", "merge")}
_PLAIN_NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]{0,29}|[0-9]*\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan)", re.I
)


class UserFiles(FileConfigSource):
    """The directory of ``--config-dir`` as Hydra reads it."""

    @staticmethod
    def scheme() -> str:
        return "user"

    def is_config(self, config_path: str) -> bool:
        """Anything of that name, so that what is no file is refused by name when it is opened."""
        return path_exists(self._file(config_path))

    def load_config(self, config_path: str) -> ConfigResult:
        path = self._file(config_path)
        content = read_mapping(path, get_yaml_loader(), may_be_empty=True)
        header = ConfigSource._get_header_dict(path.read_text(encoding="utf-8")[:512])
        in_launcher = config_path.startswith(LAUNCHER + "/")
        check = _wrong_launcher if in_launcher else _wrong_choice
        if problem := next(check(content, header.get("package")), None):
            raise ConfigError(f"{path}: {problem}")
        with reading(path, "see docs/OWN_TASK.md for the form of such files", ConfigError):
            return super().load_config(config_path)

    def _file(self, config_path: str) -> Path:
        return Path(self.path) / self._normalize_file_name(config_path)


def register() -> None:
    """Let Hydra read ``user://DIR`` in its search path; repeated calls change nothing."""
    Plugins.instance().register(UserFiles)


def read_mapping(path: Path, loader: Any = yaml.SafeLoader, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The content of a YAML file, which must be one mapping. Raises ConfigError ("file:" or "file:line:")."""
    advice = "a file of choices is a YAML mapping in UTF-8"
    with reading(path, advice, ConfigError):
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ConfigError(f"{path}: is not a file; {advice}")
        if about.st_size > LARGEST:
            raise ConfigError(f"{path}: has {about.st_size:,} bytes; at most {LARGEST:,} are read")
        text = path.read_text(encoding="utf-8")
    try:
        document = yaml.compose(text, Loader=loader)
        if document is None and may_be_empty:
            return {}
        if not isinstance(document, yaml.MappingNode):
            raise ConfigError(f"{path}: is not a mapping of keys to values; {advice}")
        if problem := _Check(document).problem:
            raise ConfigError(f"{path}:{problem}")
        reader = loader(text)
        content: dict[str, Any] = reader.get_single_data()
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply; {advice}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: is not YAML ({shortened(error)}); {advice}") from error
    return content


class _Check:
    """Looks at the nodes of a document; `problem` is "line: what is wrong" or None."""

    def __init__(self, document: yaml.Node) -> None:
        self.problem: str | None = None
        self._sizes: dict[int, int] = {}
        self._size(document, 0)

    def _size(self, node: yaml.Node, depth: int) -> int:
        """Values below a node when all aliases are followed."""
        if self.problem:
            return 0
        if id(node) in self._sizes:
            size = self._sizes[id(node)]
            self.problem = f"{node.start_mark.line + 1}: {_WITHOUT_END}" if size < 0 else None
            return size
        self.problem = _wrong_node(node, depth)
        self._sizes[id(node)] = -1  # until all below it is seen
        size = 1 + sum(self._size(child, depth + 1) for child in _children(node))
        if size > MOST_NODES and not self.problem:
            self.problem = f"{node.start_mark.line + 1}: more than {MOST_NODES:,} values, when aliases are followed"
        self._sizes[id(node)] = size
        return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (part for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _wrong_node(node: yaml.Node, depth: int) -> str | None:
    line = node.start_mark.line + 1
    if depth > DEEPEST:
        return f"{line}: more than {DEEPEST} levels of nesting"
    kind = node.tag.rpartition(":")[2]
    if node.tag not in _TAGS:
        return f"{line}: a value of the kind {shortened(kind, 40)} is not taken; write a text in quotes"
    if isinstance(node, yaml.MappingNode):
        return _wrong_keys(node)
    if isinstance(node, yaml.ScalarNode) and kind in ("int", "float") and not _PLAIN_NUMBER.fullmatch(node.value):
        return f"{line}: {shortened(node.value, 40)} is no plain number; write decimal digits, or a text in quotes"
    return None


def _wrong_keys(node: yaml.MappingNode) -> str | None:
    seen = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag.rpartition(":")[2] not in ("str", "merge"):
            return f"{line}: a key that is no text; write it in quotes"
        if key.value in seen:
            return f"{line}: {shortened(key.value, 40)} is there twice"
        seen.add(key.value)
    return None


def _wrong_choice(content: dict[str, Any], package: str | None) -> Iterator[str]:
    """What is wrong with a file that gives choices of this program's groups."""
    if _names_hydra(package or "") or "hydra" in content:
        yield "says something of Hydra's own settings; files can only set keys of this program"
    yield from _wrong_defaults(content.get("defaults"), own_groups=True)


def _wrong_launcher(content: dict[str, Any], package: str | None) -> Iterator[str]:
    """What is wrong with a file in hydra/launcher/."""
    if package is not None:
        yield "has a line @package; a launcher's file gives its settings alone"
    defaults = content.get("defaults")
    if not defaults:
        yield "names no launcher; begin with `defaults: [NAME, _self_]`, where NAME is joblib, submitit_slurm or ray"
    yield from _wrong_defaults(defaults, own_groups=False)
    if not is_plain({key: value for key, value in content.items() if key != "defaults"}):
        yield NO_PLAIN_VALUE


def _wrong_defaults(defaults: Any, *, own_groups: bool) -> Iterator[str]:
    """What is wrong with a defaults list; without `own_groups` it may only name files of the same group."""
    if defaults is None:
        return
    if not isinstance(defaults, list):
        yield "defaults is no list"
        return
    for entry in defaults:
        words = [entry] if not isinstance(entry, dict) else [*entry, *_texts(entry.values())]
        if not words or not all(isinstance(word, str) for word in words):
            yield f"{shortened(entry, 60)} in defaults is neither a name nor GROUP: NAME"
        elif any(map(_names_hydra, words)):
            yield f"{shortened(entry, 60)} in defaults leads to Hydra's own settings; set this program's keys alone"
        elif not own_groups and not (len(words) == 1 and (entry == "_self_" or PLAIN_NAME.fullmatch(words[0]))):
            yield f"{shortened(entry, 60)} in defaults is no name of a launcher"


def _texts(values: Any) -> Iterator[Any]:
    """The names behind a group: one, several, or none."""
    for value in values:
        yield from value if isinstance(value, list) else [] if value is None else [value]


def _names_hydra(text: str) -> bool:
    return "hydra" in re.split(r"[^A-Za-z0-9_]+", text)


def path_exists(path: Path) -> bool:
    """Whether a name is there, be it a file, a directory or a link that leads nowhere."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True

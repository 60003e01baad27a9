"""Which files of a directory are believed: a manifest lists each with its SHA-256, and what is not listed, or is no
longer what was listed, is not believed.

A whole file is listed before it is written: it appears in one step (`files`), so one that is there was listed, and one
that differs was changed since. A file that grows is listed after each block: what a kill leaves behind the listed end
is cut off. The manifest carries a digest of its content and the id of its run, so it cannot be changed unnoticed or
come from another run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefixrun import files
from prefixrun.errors import DamagedStateError, reading

MANIFEST = "manifest.json"
"""Name of the manifest of a run's directory."""

BEST_STATE = "best.safetensors"
"""Name of the file of a diverged run with what was trained at its lowest development loss."""

VERSION = 1
"""Moves when a field is renamed or changes its meaning."""

AGAIN = "delete it and run the same command again: it is made again"
"""What to do about a file that a run can make again."""

_UNREAD = "delete it: a run that is not finished makes again what it lists"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as it was written."""

    sha256: str
    size: int
    """In bytes."""
    stage: str
    """The stage of the run that wrote it."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the stage needs to go on from the file: the step of a checkpoint, the seconds of decoding so far."""


class Manifest:
    """The manifest at `path`, of the files beside it. Creating the object reads and writes nothing.

    Every method that reads raises DamagedStateError when the manifest cannot be read, is not whole or is another run's.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self.path, self.directory, self.run_id = path, path.parent, run_id

    def exists(self) -> bool:
        """Whether there is one. Runs that earlier versions finished have none, and neither have records."""
        with reading(self.path, _UNREAD, DamagedStateError):
            return self.path.exists()

    def entries(self) -> dict[str, Entry]:
        """Name of each listed file → its entry; empty without a manifest."""
        if not self.exists():
            return {}
        document = files.read_json(self.path)
        if not isinstance(document, dict) or document.get("schema_version") != VERSION:
            raise DamagedStateError(f"{self.path}: is no manifest of this version of the program; {_UNREAD}")
        content = {name: value for name, value in document.items() if name != "sha256"}
        if document.get("sha256") != _digest(files.canonical_json(content).encode()):
            raise DamagedStateError(f"{self.path}: has changed since it was written; {_UNREAD}")
        if content["run_id"] != self.run_id:
            raise DamagedStateError(f"{self.path}: is of another run than {self.run_id}; {_UNREAD}")
        return {name: Entry(**entry) for name, entry in content["files"].items()}

    def write(
        self,
        contents: Mapping[str, bytes],
        stage: str,
        notes: Mapping[str, Any] | None = None,
        *,
        keep: Collection[str] | None = None,
    ) -> None:
        """List whole files, then write them one after the other.

        keep: the other files that stay listed; None keeps all. Errors as files.write_bytes.
        """
        listed = {name: entry for name, entry in self.entries().items() if keep is None or name in keep}
        new = {name: Entry(_digest(data), len(data), stage, notes or {}) for name, data in contents.items()}
        self._store(listed | new)
        for name, data in contents.items():
            files.write_bytes(self.directory / name, data)

    def read(self, name: str, advice: str = AGAIN) -> bytes | None:
        """The content of a file; None when it is not listed, or not there.

        Raises DamagedStateError, with the advice, when it cannot be read or has changed.
        """
        entry, path = self.entries().get(name), self.directory / name
        if entry is None or not path.exists():
            return None
        with reading(path, advice, DamagedStateError):
            data = path.read_bytes()
        if _digest(data) != entry.sha256:
            raise DamagedStateError(f"{path}: has changed since it was written; {advice}")
        return data

    def write_or_check(self, name: str, content: bytes, stage: str, advice: str) -> None:
        """Write a file that no later process of the run may make otherwise.

        Raises DamagedStateError, with the advice, when there is another one.
        """
        stored = self.read(name, advice)
        if stored is None:
            self.write({name: content}, stage)
        elif stored != content:
            raise DamagedStateError(f"{self.directory / name}: holds another choice than this run's; {advice}")

    def check(self, name: str, advice: str) -> None:
        """Raise DamagedStateError, with the advice, unless a file is as it was listed; without a manifest every file
        is believed."""
        if not self.exists():
            return
        entry, path = self.entries().get(name), self.directory / name
        if entry is None:
            raise DamagedStateError(f"{path}: was not written by its run ({self.path.name} does not list it); {advice}")
        with reading(path, advice, DamagedStateError):
            actual = files.digest(path)
        if actual != entry.sha256:
            raise DamagedStateError(f"{path}: has changed since it was written; {advice}")

    def lines(self, name: str, stage: str) -> GrowingLines:
        """A file of one JSON object a line, cut back to what is listed of it."""
        return GrowingLines(self, name, stage)

    def _store(self, entries: Mapping[str, Entry]) -> None:
        content = files.plain_json({"schema_version": VERSION, "run_id": self.run_id, "files": entries})
        digest = _digest(files.canonical_json(content).encode())
        files.write_json(self.path, {**content, "sha256": digest})


class GrowingLines:
    """A file of one JSON object a line that grows by blocks, each listed when it is on the disk.

    Raises DamagedStateError when the file cannot be read.
    """

    def __init__(self, manifest: Manifest, name: str, stage: str) -> None:
        self._manifest, self._name, self._stage = manifest, name, stage
        self._path = manifest.directory / name
        entry = manifest.entries().get(name)
        with reading(self._path, AGAIN, DamagedStateError):
            data = self._path.read_bytes() if self._path.exists() else None
        self.has_changed = False
        """Whether what was listed is not what is there; then nothing of it is believed."""
        if entry is not None and (data is None or _digest(data[: entry.size]) != entry.sha256):
            self.has_changed, entry = data is not None, None
        data, size = data or b"", entry.size if entry else 0
        if len(data) > size:
            files.cut(self._path, size)
        self.notes: Mapping[str, Any] = entry.notes if entry else {}
        self.records = files.read_json_lines(self._path).records
        """Those of earlier processes."""
        self._hash, self._size = hashlib.sha256(data[:size]), size

    def restart(self) -> None:
        """Believe nothing of the file."""
        files.remove(self._path)
        self.records, self.notes = (), {}
        self._hash, self._size = hashlib.sha256(), 0

    def append(self, records: Iterable[object], notes: Mapping[str, Any]) -> None:
        """Write a block, and then list the file with it. Errors as files.append_lines."""
        lines = [files.canonical_json(record) for record in records]
        files.append_lines(self._path, lines)
        block = "".join(f"{line}\n" for line in lines).encode()
        self._hash.update(block)
        self._size += len(block)
        self.notes = notes
        entry = Entry(self._hash.hexdigest(), self._size, self._stage, notes)
        self._manifest._store({**self._manifest.entries(), self._name: entry})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

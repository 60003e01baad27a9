"""A run: its identity, its directory of plain files, its state, and the right to work on it.

The same identity is always the same directory, so a finished run is shown instead of repeated, an interrupted one goes
on where it was, and nothing is overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from prefixrun import files
from prefixrun.config.method_specs import spec_of
from prefixrun.errors import DamagedStateError, PrefixrunError, RunHeldError, reading
from prefixrun.runs.lock import HOLDER_NAME, LOCK_NAME, Holder, RunLock, holder, refusal
from prefixrun.runs.provenance import utc_now
from prefixrun.runs.result_schema import SCHEMA_VERSION, validate_result
from prefixrun.training.manifest import BEST_STATE, MANIFEST, Manifest

State = Literal["new", "interrupted", "finished", "failed", "diverged"]

RECORDS = "records"
"""Folder of a results tree with the committed records of runs."""

MOVE_AWAY = "move the directory away and run the same command again"


def run_id(identity: Mapping[str, object]) -> str:
    """12 hexadecimal digits of the SHA-256 of the identity's canonical JSON.

    `identity` holds everything that can change a number of the run, and nothing else. Key order does not matter;
    1 and 1.0 differ. Errors as in files.plain_json.
    """
    return sha256(files.canonical_json(identity).encode("utf-8")).hexdigest()[:12]


def run_id_of(directory: Path) -> str:
    """The id at the end of the name of a run's directory."""
    return directory.name.rpartition("-")[2]


def stored_identity(directory: Path) -> Mapping[str, Any]:
    """The identity in a run's config.json. Raises DamagedStateError where it is not that of the directory."""
    config = files.read_json(directory / "config.json")
    identity = config.get("identity") if isinstance(config, Mapping) else None
    if not isinstance(identity, Mapping) or run_id(identity) != run_id_of(directory):
        raise DamagedStateError(f"{directory}: config.json is not the configuration of this run")
    return identity


class Run:
    """The directory `results_dir`/runs/<task>-<method>-<model>-<run id>/ and the files in it.

    Creating the object writes nothing; `hold()` creates the directory.
    """

    def __init__(
        self, results_dir: Path, *, task: str, method: str, model: str, identity: Mapping[str, object]
    ) -> None:
        self.results_dir = results_dir
        self.identity: dict[str, Any] = files.plain_json(identity, "identity")
        self.id = run_id(self.identity)
        name = "-".join((*(_plain_name(part) for part in (task, method, model)), self.id))
        self.directory = results_dir / "runs" / name
        self.config_json = self.directory / "config.json"
        self.result_json = self.directory / "result.json"
        self.record_json = results_dir / RECORDS / name / "result.json"
        self.failed_json = self.directory / "failed.json"
        self.subset = self.directory / "subset.json"
        self.trained_file = self.directory / spec_of(method).trained_file
        self.best_state = self.directory / BEST_STATE
        self.costs = self.directory / "costs.json"
        self.generations = self.directory / "generations.jsonl"
        self.stats = self.directory / "stats.parquet"
        self.log = self.directory / "run.log"
        self.checkpoints = self.directory / "checkpoints"
        self.manifest = Manifest(self.directory / MANIFEST, self.id)
        self._lock = RunLock(self.directory)

    def state(self) -> State:
        """What the files say. Raises DamagedStateError when config.json or result.json contradict this run, or the
        directory cannot be read."""
        with reading(self.directory, MOVE_AWAY, DamagedStateError):
            return self._state()

    def _state(self) -> State:
        if not self.config_json.exists():
            if self.result_json.exists():
                raise DamagedStateError(f"{self.directory}: has result.json but no config.json; {MOVE_AWAY}")
            return "new"
        self._check_config()
        if self.result_json.exists():
            self.result()
            return "finished"
        failure = self.failure()
        if failure is None:
            return "interrupted"
        return "diverged" if "diverged" in failure else "failed"

    def has_record(self) -> bool:
        """Whether `results_dir` has its record. Raises DamagedStateError when that is not its result."""
        if not self.record_json.is_file():
            return False
        self._checked(self.record_json)
        return True

    def result(self) -> dict[str, Any]:
        """The finished result. Raises DamagedStateError when it is missing, not valid or of another run."""
        return self._checked(self.result_json)

    def record_result(self) -> dict[str, Any]:
        """The result in the committed record of the run. Errors as `result`."""
        return self._checked(self.record_json)

    def _checked(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = files.read_json(path)
        problems = validate_result(result)
        if not problems and result["run_id"] != self.id:
            problems = [f"run_id is {result['run_id']}, the directory is of {self.id}"]
        if problems:
            raise DamagedStateError(f"{path}: {'; '.join(problems)}; {MOVE_AWAY}")
        if path == self.result_json:
            self.manifest.check(path.name, MOVE_AWAY)
        return result

    def failure(self) -> dict[str, Any] | None:
        """`message`, `log` and `time` of the last failure when the run failed, else None; of one that diverged also
        `diverged`, the details of its DivergedError."""
        if not self.failed_json.exists():
            return None
        try:
            failure: dict[str, Any] = files.read_json(self.failed_json)
            return {**failure, "message": str(failure["message"])}
        except (PrefixrunError, KeyError, TypeError):
            return {"message": f"{self.failed_json}: damaged; the next attempt replaces it"}

    def holder(self) -> Holder | None:
        """The process that works on the run, if one seems to."""
        return holder(self.directory)

    def refuse_if_held(self) -> None:
        """Raise RunHeldError where another process works on the run, before what takes time; `hold` decides."""
        if other := self.holder():
            raise refusal(self.directory, other)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Create the directory if need be and keep every other process out of it.

        Writes config.json the first time; clears an earlier failure and the leftovers of killed writers. Look at
        `state()` again inside: another process may have finished the run just before it was let go. Raises
        RunHeldError (by whom, what to do), ConfigError (results_dir not writable) or DamagedStateError (config.json, or
        a link or directory in place of a file).
        """
        files.make_directory(self.results_dir)
        with reading(self.directory, MOVE_AWAY, DamagedStateError):
            directory = files.inside(self.results_dir.resolve(), self.directory.resolve())
        files.make_directory(directory)
        self._refuse_other_kinds()
        with self._lock:
            if self.config_json.exists():
                self._check_config()
            else:
                config = {"schema_version": SCHEMA_VERSION, "run_id": self.id, "identity": self.identity}
                files.write_json(self.config_json, config)
            for directory in (self.directory, self.checkpoints):
                files.remove_leftovers(directory)
            files.remove(self.failed_json)
            yield

    def _refuse_other_kinds(self) -> None:
        """Raise DamagedStateError for anything else in place of a file of the run: links lead to files of others."""
        for path in (self.directory, self.checkpoints):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise DamagedStateError(f"{path}: is a link or no directory; nothing was written. Move it away")
        written = (
            *(self.config_json, self.result_json, self.failed_json, self.subset, self.trained_file, self.costs),
            *(self.generations, self.stats, self.log, self.manifest.path, self.best_state),
            *(self.directory / name for name in (LOCK_NAME, HOLDER_NAME)),
        )
        for path in (*written, *self.checkpoints.glob("*")):
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise DamagedStateError(f"{path}: is a link or no file; nothing was written. Move it away")

    def check_held(self) -> None:
        """Raise RunHeldError unless this object holds the run now; call before work that cannot be undone."""
        if not self._lock.held:
            raise RunHeldError(
                f"{self.directory}: this process does not hold the run (any more: was its holder.json deleted, or the "
                "process stopped for minutes?); run the same command again to go on from the last checkpoint"
            )

    def finish(self, result: Mapping[str, object]) -> None:
        """Write result.json, the last step of a run; `schema_version` and `run_id` are filled in.

        Raises ValueError naming every problem when the result is not valid, DamagedStateError when there is a result
        already: finished runs are never overwritten.
        """
        self.check_held()
        complete = files.plain_json({"schema_version": SCHEMA_VERSION, "run_id": self.id, **result}, "result")
        problems = validate_result(complete)
        if complete["run_id"] != self.id:
            problems.append(f"run_id is {complete['run_id']}, this run is {self.id}")
        if problems:
            raise ValueError(f"result of {self.id} is not valid: {'; '.join(problems)}")
        if self.result_json.exists():
            raise DamagedStateError(f"{self.result_json}: is there already; nothing was overwritten. {MOVE_AWAY}")
        self.manifest.write({self.result_json.name: files.json_bytes(complete)}, "scoring")

    def remove_trained(self) -> None:
        """Delete what was trained, if the result says that it is not kept. A kill just after the result leaves it.

        Nothing where another process holds the run, or the directory may only be read: it is tidied another time.
        """
        with suppress(PrefixrunError):
            if self.trained_file.exists() and self.result().get("settings", {}).get("keep_trained") is False:
                with self.hold():
                    files.remove(self.trained_file)

    def fail(self, message: str, diverged: Mapping[str, object] | None = None) -> None:
        """Mark the run as failed, with the message and the log's name, or as diverged, with the details of that; the
        next hold() clears it and tries again."""
        self.check_held()
        details = {} if diverged is None else {"diverged": diverged}
        files.write_json(self.failed_json, {"message": message, "log": self.log.name, "time": utc_now(), **details})

    def _check_config(self) -> None:
        config = files.read_json(self.config_json)
        if not isinstance(config, dict) or config.get("identity") != self.identity or config.get("run_id") != self.id:
            raise DamagedStateError(f"{self.config_json}: is not the configuration of run {self.id}; {MOVE_AWAY}")


def _plain_name(part: str) -> str:
    """A part of a directory name: no separators, no leading dot, so it can never lead out of the results tree."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", part).strip("._-") or "unnamed"

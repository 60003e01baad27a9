"""One finished run: what it was, what came out, and the files that tell more.

A record is read from one small file; outputs and counts are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

from prefixrun.config.setting_roles import leave_out, outside_identity, repeats
from prefixrun.data.text_io import lines_of, read_text
from prefixrun.errors import DamagedStateError
from prefixrun.files import canonical_json, read_json_lines
from prefixrun.results.counts import COUNTS, Counts, check_counts, read_counts
from prefixrun.results.display_names import main_metrics
from prefixrun.results.diverged_runs import training_key
from prefixrun.results.flat_settings import with_defaults
from prefixrun.results.later_scores import LaterScores, read_later_scores
from prefixrun.runs.generations import wrong_line
from prefixrun.runs.result_schema import GENERATED, SAMPLE, pairs_seen
from prefixrun.runs.run import RECORDS
from prefixrun.runs.version import meaning_of_runs
from prefixrun.training.manifest import MANIFEST, Manifest

RESTORE = "restore it, or move the run's directory away and run its command again"
"""What to do about a file of a finished run that has changed."""

OUTPUTS = "outputs.jsonl.gz"
"""Outputs of a committed record, `{"id": …, "output": …}` a line: corpora have licences, so inputs stay out."""


@dataclass(frozen=True, eq=False)
class Record:
    """One finished run."""

    directory: Path
    result: Mapping[str, Any]
    """The content of result.json, which validate_result found nothing wrong with."""
    run_directory: Path | None = None
    """The directory of the same run under runs/, when `directory` is its committed record."""
    diverged: tuple[str, ...] = ()
    """Ids of runs that differ from it in their seeds alone, or also in decoding, and whose training diverged."""

    @property
    def run_id(self) -> str:
        """Twelve hexadecimal digits of the identity."""
        return str(self.result["run_id"])

    @property
    def task(self) -> str:
        """Name of the task in conf/task."""
        return str(self.result["task"])

    @property
    def model(self) -> str:
        """Name of the backbone in conf/model."""
        return str(self.result["model"])

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.result["method"])

    @property
    def prefix_len(self) -> int | None:
        """Positions of the prefix; None for a method without one."""
        return self.result["prefix_len"]  # type: ignore[no-any-return]

    @property
    def split(self) -> str:
        """The part of the corpus that was scored."""
        return str(self.result["split"])

    @property
    def seed(self) -> int:
        """Of training and decoding."""
        return int(self.result["seed"])

    @property
    def subsample_seed(self) -> int:
        """Of the choice of training pairs, held-out pairs or examples of a prompt."""
        return int(self.settings.get("subsample_seed") or 0)

    @property
    def draws_subsample(self) -> bool:
        """Whether `subsample_seed` has an effect: on the training pairs, the held-out ones, or the examples of a
        prompt, an initialisation or a teacher."""
        settings = self.settings
        is_part = self.n_train != self.result.get("n_train_available")
        shows_pairs = settings.get("init.name") == "examples" or bool(settings.get("distill.examples"))
        return bool(is_part or settings.get("train.dev_share") or settings.get("method.shots") or shows_pairs)

    @property
    def subsample(self) -> int:
        """`subsample_seed` where it has an effect; 0 where runs of several have the same pairs."""
        return self.subsample_seed if self.draws_subsample else 0

    @property
    def n_train(self) -> int:
        """Training pairs the run may choose from."""
        return int(self.result["n_train"])

    @property
    def seen(self) -> int:
        """How many of `n_train` the schedule gets to at most; all of them where that is an epoch or more.

        Batches are counted as full. With several targets in a row they are not quite, as no row is split.
        """
        return pairs_seen(self.result)

    @property
    def is_of_all_pairs(self) -> bool:
        """Whether it was trained on the whole training part; False where the size of that is not known."""
        return self.seen == self.result.get("n_train_available")

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        """`step` and the losses that were measured there, `train_loss` and `dev_loss`, in the order of the steps."""
        return self.result.get("training", {}).get("history", [])  # type: ignore[no-any-return]

    @property
    def dev_loss(self) -> float | None:
        """Loss on development pairs of the saved state, in nats a target token; None where not measured."""
        losses = [float(entry["dev_loss"]) for entry in self.history if "dev_loss" in entry]
        if not losses:
            return None
        return min(losses) if self.settings.get("train.keep") == "best" else losses[-1]

    @property
    def losses_by_length(self) -> dict[int, float]:
        """Length of a nested training → its development loss; empty where not measured."""
        lengths = self.result.get("training", {}).get("lengths", [])
        return {int(entry["prefix_len"]): float(entry["dev_loss"]) for entry in lengths}

    @property
    def forgetting(self) -> float | None:
        """What the method adds to the loss on plain prose, in nats a token; None where not measured."""
        measured = self.result.get("forgetting")
        return measured["after"] - measured["before"] if measured else None

    @property
    def machine(self) -> tuple[object, ...]:
        """What training and decoding times depend on beside the configuration."""
        known = {"processes": 1, **self.result["provenance"]}
        return tuple(known.get(name) for name in ("cpu", "accelerator", "threads", "processes"))

    @property
    def precision(self) -> str:
        """The precision that the model computed in, behind that of its weights where these were quantised."""
        quantised = self.settings.get("model.quantize")
        return ", ".join(filter(None, (quantised, str(self.settings["precision"]))))

    @property
    def scored_as(self) -> str:
        """The task of the paper whose metrics are used."""
        return str(self.settings.get("task.metrics") or self.task)

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The scores that its task is known by, at least one; see display_names."""
        return main_metrics(self.scored_as, self.result["scores"])

    def value(self, metric: str) -> float | None:
        """A score; None when the run has none of this name, or one without a value (see `reason`)."""
        value = self.score(metric).get("value")
        return None if value is None else float(value)

    def score(self, metric: str) -> Mapping[str, Any]:
        """`value`, `reason`, `signature` of a score of the run, or else of one that was computed later; else empty."""
        return self.result["scores"].get(metric) or self.later.scores.get(metric) or {}

    @cached_property
    def later(self) -> LaterScores:
        """The scores that were computed after the run. Raises DamagedStateError when they cannot be used."""
        return read_later_scores(self.directory, OUTPUTS)

    def reason(self, metric: str) -> str | None:
        """Why `value` is None."""
        score = self.score(metric)
        if not score:
            return "not among its scores"
        return None if score["value"] is not None else str(score["reason"])

    def signature(self, metric: str) -> str | None:
        """How a score was made; None when the run has none of this name."""
        score = self.score(metric)
        return str(score["signature"]) if score else None

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Dotted key → value of the run's configuration, with the schema's defaults where the run names none."""
        return with_defaults(self.result.get("settings", {}))

    def settings_except(self, *keys: str) -> dict[str, Any]:
        """The settings without `keys`, the seeds, and those that change no number; `init.` stands for all of init."""
        return leave_out(self.settings, {*keys, *repeats(), *outside_identity()})

    @cached_property
    def group_key(self) -> str:
        """What defines the configuration, except the seeds: equal for runs that may be averaged, and hashable.

        Settings that the method does not have (prefix_len, init) do not count, nor those that change no number.
        Contents of data and model do, and the meaning of the numbers (`SEMANTICS`).
        """
        return self._key()

    @cached_property
    def key_but_inputs(self) -> str:
        """Equal for runs that differ in the number of scored inputs, and in their seeds, alone."""
        return self._key("n_inputs", "test_size")

    def _key(self, *but: str) -> str:
        # Left out: seeds, settings that change no number, and settings that the method does not have.
        settings_of = {"prefix_len": ("prefix_len",), "init": ("init.", "init_words")}
        unused = [prefix for name, prefixes in settings_of.items() if self.result[name] is None for prefix in prefixes]
        settings = self.settings_except(*but, *unused)
        names = {"task", "model", "method", "data_source", "split", "n_inputs"}.difference(but)
        same = {name: self.result[name] for name in names}
        return canonical_json(
            {
                **same,
                "settings": settings,
                "data": self.data_hashes,
                "backbone": self.backbone_sha256,
                "semantics": self._semantics,
            }
        )

    @property
    def training_key(self) -> str:
        """Equal for runs whose trainings differ in their seeds alone, diverged ones among them."""
        return training_key(self.settings, self.data_hashes, self.backbone_sha256, self._semantics)

    @property
    def data_hashes(self) -> dict[str, list[str | None]]:
        """Part of the corpus → SHA-256 of its files; empty where they were not recorded."""
        data = self.result.get("data", {})
        return {split: [file.get("sha256") for file in part.get("files", [])] for split, part in data.items()}

    @property
    def brings_its_corpus(self) -> bool:
        """Whether the program has its corpus: the sample corpus is part of it, and it makes generated examples."""
        return self.result["data_source"] in (SAMPLE, GENERATED)

    @property
    def scored_files(self) -> list[str | None]:
        """SHA-256 of the files that its inputs are from; empty where they were not recorded."""
        return self.data_hashes.get(self.split, [])

    @property
    def backbone_sha256(self) -> str | None:
        """SHA-256 of the model that it was trained on; None where it was not recorded."""
        return self.result.get("backbone", {}).get("sha256")  # type: ignore[no-any-return]

    @property
    def _semantics(self) -> int | None:
        return meaning_of_runs(self.result["provenance"].get("semantics"))

    @property
    def own_training(self) -> bool:
        """Whether what the run trained is its own, not that of a run that differs in decoding or test inputs alone."""
        return "of_run" not in self.result.get("training", {})

    @property
    def is_local(self) -> bool:
        """Whether the run's own directory is on this machine, not its committed record alone."""
        return self.run_directory is not None or self.directory.parent.name != RECORDS

    def file(self, name: str) -> Path | None:
        """A file of the run, from the committed record or from the run's own directory; None when neither has it."""
        directories = (self.directory, self.run_directory) if self.run_directory else (self.directory,)
        return next((path for directory in directories if (path := directory / name).is_file()), None)

    def believed(self, name: str) -> Path | None:
        """`file` of what the run wrote as its outcome. Raises DamagedStateError when it has changed since, where the
        run has a manifest that tells."""
        path = self.file(name)
        if path is not None:
            Manifest(path.parent / MANIFEST, self.run_id).check(name, RESTORE)
        return path

    def outputs(self) -> dict[str, str]:
        """Id of the input → output, in the order of the ids; empty when the run stored none.

        Raises PrefixrunError (DataError, DamagedStateError) with the line that is damaged.
        """
        if path := self.believed(OUTPUTS):
            from prefixrun.metrics.system_outputs import read_outputs  # imports every scorer

            outputs = read_outputs(path)
            if not outputs.ids:
                raise DamagedStateError(f"{path}:1: has no id; keep the record again from its run")
            return dict(zip(outputs.ids, outputs.texts, strict=True))
        if path := self.believed("outputs.txt"):  # written before ids were; corpora number their inputs like this
            lines = lines_of(read_text(path).text)
            return {f"{self.split}-{position:05d}": line for position, line in enumerate(lines)}
        by_id = sorted(self.generations(), key=itemgetter("id"))
        return {generation["id"]: generation["output"] for generation in by_id}

    def generations(self) -> tuple[dict[str, Any], ...]:
        """`id source output references` of every input; empty in a committed record, which keeps outputs alone.

        Raises DamagedStateError with the line that is damaged, or when they have changed.
        """
        path = self.believed("generations.jsonl")
        records = read_json_lines(path).records if path else ()
        ids: set[str] = set()
        for number, record in enumerate(records, start=1):
            if problem := wrong_line(record, ids):
                raise DamagedStateError(f"{path}:{number}: {problem}; delete the file to have it made again")
            ids.add(record["id"])
        return records

    def stats(self, metric: str | None = None) -> Counts | None:
        """The counts behind the scores, or those of one metric; None when the run stored none.

        Raises DamagedStateError when the file is no such table, or has changed.
        """
        path = self.believed(COUNTS)
        counts = None if path is None else read_counts(path, metric)
        later = {} if metric is None else self.later.counts_of(metric)
        return replace(counts, columns=later) if counts is not None and later else counts

    def checked_stats(self) -> Counts | None:
        """All counts, which give scores and are those of the run's inputs. Raises DamagedStateError otherwise, and
        where scores that were computed later cannot be used."""
        counts, _ = self.stats(), self.later
        if counts is not None:
            check_counts(counts, self.scored_as, self.result["n_inputs"], self.directory / COUNTS)
        return counts

"""Known releases are named, anything else is refused or marked."""

import gzip
import re
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from checkout import ROOT
from prefixrun.config.compose import compose
from prefixrun.data import LOADERS, SPLITS, generated, load, manifest
from prefixrun.data.example import Corpus, DataFile, Example
from prefixrun.errors import DataError

RELEASE = manifest.RELEASES["e2e", "dev"][0]
CORPUS = Corpus(
    "e2e",
    "dev",
    (Example("dev-00000", "name : A", ("x",) * RELEASE.pairs),),
    (DataFile("devset.csv", RELEASE.sha256, RELEASE.records),),
)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (4_600, r"^e2e/devset\.csv: 4,600 records .* has 4,672 .*: 72 missing;"),
        (4_675, "3 too many"),
        (RELEASE.records, r"the copy was altered .* accept this copy as it is with data\.verify=off"),
    ],
    ids=["missing records", "surplus records", "the same counts with other bytes"],
)
def test_another_copy_is_refused_with_what_sets_it_apart(records: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        manifest.identify(replace(CORPUS, files=(DataFile("devset.csv", "0" * 64, records),)), "e2e")


def test_a_known_checksum_names_the_release() -> None:
    assert manifest.identify(CORPUS, "e2e").version == "E2E v1.0.0"


def test_where_no_checksum_is_known_counts_decide() -> None:
    articles = tuple(Example(str(number), "a", ("b",)) for number in range(11_334))
    corpus = Corpus("xsum", "test", articles, (DataFile("test.jsonl", "0" * 64, 11_334),))
    assert manifest.identify(corpus, "xsum").version == "XSUM (by counts)"
    with pytest.raises(DataError, match=r"where XSUM has 11,334 .*: 1 missing"):
        manifest.identify(replace(corpus, files=(DataFile("test.jsonl", "0" * 64, 11_333),)), "xsum")


def test_an_extrapolation_task_is_checked_by_its_file() -> None:
    some = tuple(Example(str(number), "a", ("b",)) for number in range(5))
    corpus = Corpus("xsum_within_news", "test", some, (DataFile("test.jsonl", "0" * 64, 11_334),))
    assert manifest.identify(corpus, "xsum").version == "XSUM (by counts)"


def test_an_own_task_has_no_manifest() -> None:
    corpus = replace(CORPUS, task="own")
    assert manifest.identify(corpus, "own") is corpus


def test_samples_and_unverified_copies_say_so(tmp_path: Path) -> None:
    assert load("e2e", "dev", None).version == "sample"
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "devset.csv").write_text("mr,ref\nname[A],A pub.\n")
    assert load("e2e", "dev", tmp_path, verify=False).version == "unverified"
    with pytest.raises(DataError, match="4,671 missing"):
        load("e2e", "dev", tmp_path)


def test_every_task_but_the_extrapolation_ones_has_a_manifest_of_every_split() -> None:
    tasks = {task for task in LOADERS if not task.startswith("xsum_")} - set(generated.TASKS)
    assert {(task, split) for task in tasks for split in SPLITS} | {("dart", "test_6959")} == set(manifest.RELEASES)


@cache
def release(task: str, split: str, root: Path) -> Corpus:
    """A part of the real corpora, which several tests look at."""
    return load(task, split, root)


NOT_AT_HAND = ("xsum", "webnlg_2020")
REAL = [(task, split) for task, split in manifest.RELEASES if task not in NOT_AT_HAND]


@pytest.mark.shared
@pytest.mark.parametrize(("task", "split"), REAL)
def test_the_real_corpora_are_recognised(shared: Path, task: str, split: str) -> None:
    labels = {release.label for release in manifest.RELEASES[task, split]}
    assert release(task, split, shared / "data").version.removesuffix(" (by counts)") in labels


@pytest.mark.shared
def test_a_part_of_another_release_under_the_name_of_this_one_is_named(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "e2e").mkdir()
    shutil.copy(shared / "data" / "e2e" / "testset_w_refs.csv", tmp_path / "e2e" / "devset.csv")
    with pytest.raises(
        DataError, match=r"devset\.csv: this is E2E v1\.0\.0, the test part of task=e2e; use it for that"
    ):
        load("e2e", "dev", tmp_path)


@pytest.mark.shared
def test_webnlg_as_json_is_recognised(shared: Path, tmp_path: Path) -> None:
    shutil.copytree(shared / "data" / "webnlg" / "json", tmp_path / "webnlg" / "json")
    assert load("webnlg", "dev", tmp_path).version == "WebNLG challenge 2017 (JSON)"


@pytest.mark.shared
def test_a_real_file_cut_at_a_row_end_is_refused(shared: Path, tmp_path: Path) -> None:
    """Nothing in the file itself tells that rows are missing; only the manifest does."""
    (tmp_path / "e2e").mkdir()
    rows = gzip.decompress((shared / "data" / "e2e" / "trainset.csv.gz").read_bytes()).split(b"\r\n")
    (tmp_path / "e2e" / "trainset.csv").write_bytes(b"\r\n".join(rows[:10_001]) + b"\r\n")
    with pytest.raises(DataError, match="32,061 missing"):
        load("e2e", "train", tmp_path)


PAGE = ROOT / "docs" / "DATA.md"
ROWS = re.findall(
    r"^\| (\w+) \| (\w+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| (\w+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
)


def test_the_page_of_the_corpora_has_every_part_and_the_counts_of_the_manifest() -> None:
    stated = {(task, part): (number(r), number(p), how) for task, part, r, _, p, how in ROWS}
    assert stated == {
        key: (releases[0].records, releases[0].pairs, "checksum" if releases[0].sha256 else "counts")
        for key, releases in manifest.RELEASES.items()
        if key[1] in SPLITS
    }


@pytest.mark.shared
@pytest.mark.parametrize(("task", "part", "inputs"), [(t, s, n) for t, s, _, n, _, _ in ROWS if t not in NOT_AT_HAND])
def test_the_page_of_the_corpora_has_the_inputs_of_the_release(shared: Path, task: str, part: str, inputs: str) -> None:
    assert len(release(task, part, shared / "data").examples) == number(inputs)


@pytest.mark.parametrize(
    "keys", re.findall(r"`((?:train_size|test_size)=\d+(?: [\w.]+=[\w.]+)*)`", PAGE.read_text("utf-8"))
)
def test_the_keys_of_the_page_of_the_corpora_are_keys(keys: str) -> None:
    compose(keys.split())


def number(text: str) -> int:
    return int(text.replace(",", ""))

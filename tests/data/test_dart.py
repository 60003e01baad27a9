"""DART v1.1.1: both test files, what is left out, and what is refused."""

import gzip
import json
from pathlib import Path

import pytest

from prefixrun.data import dart, load
from prefixrun.errors import DataError

ENTRY = {
    "tripleset": [["Mars Hill", "JOINED", "1973"], ["[TABLECONTEXT]", "[TITLE]", "Some_Schools"]],
    "subtree_was_extended": True,
    "annotations": [{"source": "x", "text": "It joined  in 1973. "}, {"source": "y", "text": "Joined: 1973."}],
}


def write(directory: Path, content: object, name: str = "dart-v1.1.1-full-test.json") -> Path:
    path = directory / name
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def test_paper_linearisation_and_references(tmp_path: Path) -> None:
    write(tmp_path, [ENTRY])
    example = dart.load(tmp_path, "test", "paper").examples[0]
    assert example.source == "Mars Hill : joined : 1973 | [TABLECONTEXT] : [title] : Some_Schools"
    assert example.references == ("It joined in 1973.", "Joined: 1973.")
    assert example.id == "test-00000"


def test_plain_linearisation(tmp_path: Path) -> None:
    write(tmp_path, [ENTRY])
    assert (
        dart.load(tmp_path, "test", "plain").examples[0].source
        == "Mars Hill, joined: 1973; [TABLECONTEXT], [title]: Some Schools"
    )


def test_entries_without_a_text_keep_their_positions(tmp_path: Path) -> None:
    bare = {**ENTRY, "annotations": []}
    write(tmp_path, [ENTRY, bare, ENTRY, bare])
    corpus = dart.load(tmp_path, "test_6959", "paper")
    assert [example.id for example in corpus.examples] == ["test-00000", "test-00001"]
    assert [(left.reason, left.count, left.positions) for left in corpus.skipped] == [(dart.NO_TEXT, 2, (1, 3))]


def test_an_empty_text_is_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, [ENTRY, {**ENTRY, "annotations": [{"text": "One."}, {"text": " "}]}])
    corpus = dart.load(tmp_path, "test", "paper")
    assert corpus.examples[1].references == ("One.",)
    assert [(left.reason, left.count, left.positions) for left in corpus.skipped] == [(dart.EMPTY_TEXT, 1, (1,))]
    assert [left.whole for left in corpus.skipped] == [False]


@pytest.mark.parametrize(("texts", "said"), [([], "1 entries without a text"), ([" ", "a"], "1 empty texts")])
def test_what_the_release_does_not_leave_out_is_refused_with_its_entry(
    tmp_path: Path, texts: list[str], said: str
) -> None:
    (tmp_path / "dart").mkdir()
    entries = [ENTRY, {**ENTRY, "annotations": [{"text": text} for text in texts]}]
    write(tmp_path / "dart", entries, "dart-v1.1.1-full-train.json")
    with pytest.raises(DataError, match=rf"; {said}: in entry 2; copy the release again, .* data\.verify=off"):
        load("dart", "train", tmp_path)
    assert load("dart", "train", tmp_path, verify=False).skipped[0].positions == (1,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "a list is expected, not an object"),
        ([3], "entry 1: an object is expected, not a number"),
        ([{"annotations": [{"text": "a"}]}], "entry 1: no 'tripleset', only annotations"),
        ([{"tripleset": [["a", "b", "c"]]}], "entry 1: no 'annotations'"),
        ([{**ENTRY, "tripleset": []}], "entry 1: an empty tripleset"),
        ([ENTRY, {**ENTRY, "tripleset": [["a", "b"]]}], "entry 2: a triple of 2 parts"),
        ([{**ENTRY, "tripleset": [["a", " ", "c"]]}], "entry 1: a triple without property ('a |   | c')"),
        ([{**ENTRY, "tripleset": [["a", "b", None]]}], "entry 1, tripleset: a string is expected, not null"),
        ([{**ENTRY, "annotations": [{"source": "x"}]}], "entry 1, annotations: no 'text'"),
        ([{**ENTRY, "annotations": []}], "no entry has a text"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path: Path, content: object, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        dart.load(tmp_path, "test", "paper")
    assert str(caught.value).startswith(f"{path}: {message}")


def test_truncated_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, [ENTRY])
    path.write_text("\n".join(path.read_text().split("\n")[:5]))
    with pytest.raises(DataError, match=r"test\.json:5: not JSON"):
        dart.load(tmp_path, "test", "paper")


def test_json_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dart-v1.1.1-full-test.json").write_text("[" * 200_000)
    with pytest.raises(DataError, match=r"nested too deeply|not JSON"):
        dart.load(tmp_path, "test", "paper")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("split", "entries", "pairs"), [("train", 30_526, 62_659), ("dev", 2_768, 6_980), ("test", 5_097, 12_551)]
)
def test_counts_of_the_release(shared: Path, split: str, entries: int, pairs: int) -> None:
    """The test file holds 12,552 texts, one of them empty."""
    corpus = dart.load(shared / "data" / "dart", split, "paper")
    assert (len(corpus.examples), corpus.files[0].records, corpus.pairs) == (entries, entries, pairs)


@pytest.mark.shared
def test_both_test_files_hold_the_same_examples(shared: Path) -> None:
    new, old = (dart.load(shared / "data" / "dart", split, "paper") for split in ("test", "test_6959"))
    assert new.examples == old.examples
    assert old.files[0].records == 6_959
    whole, text = old.skipped
    assert (whole.reason, whole.count, whole.positions) == (dart.NO_TEXT, 1_862, tuple(range(1_391, 3_253)))
    assert (text.reason, text.positions, new.skipped) == (dart.EMPTY_TEXT, (115,), (text,))


@pytest.mark.shared
def test_first_references_are_those_of_the_official_scorer(shared: Path) -> None:
    directory = shared / "data" / "dart"
    official = gzip.decompress((directory / "dart_reference" / "all-delex-reference0.lex.gz").read_bytes()).decode()
    ours = dart.load(directory, "test", "paper").examples
    assert ["".join(line.split()) for line in official.strip().split("\r\n")] == [
        "".join(example.references[0].lower().split()) for example in ours
    ]

"""WebNLG 2020: its groups of test inputs, and what is refused."""

import json
import tarfile
from pathlib import Path

import pytest

from prefixrun.data import SAMPLES, webnlg_2020
from prefixrun.errors import DataError
from webnlg_xml import ENTRY, write, xml

LATER = ENTRY.replace('size="1"', 'shape="(X (X))" shape_type="NA" size="1"').replace("<lex ", '<lex lang="en" ')
TREE = "release_v3.0/en"


def write_test(directory: Path, *entries: str, types: object) -> None:
    write(directory, xml(*entries), f"{TREE}/{webnlg_2020.TEST_FILE}")
    write(directory, json.dumps(types), f"{TREE}/{webnlg_2020.TYPES_FILE}")


def refusal(directory: Path, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        webnlg_2020.load(directory, split, "paper")
    return str(caught.value)


def test_every_text_counts_whatever_its_mark(tmp_path: Path) -> None:
    write(tmp_path, xml(LATER.replace("Airport", "Company")), f"{TREE}/train/1triples/Company.xml")
    corpus = webnlg_2020.load(tmp_path, "train", "paper")
    assert [(x.id, x.source, x.references, x.group) for x in corpus.examples] == [
        ("train-00000", ' | A_B : cityServed : "C, D"', ("B & A serves C.", "B serve C."), "seen")
    ]
    assert (corpus.task, corpus.skipped) == ("webnlg_2020", ())


def test_test_inputs_have_the_group_of_their_type(tmp_path: Path) -> None:
    entries = (LATER, LATER.replace("A_B", "E"), LATER.replace("Airport", "Film"))
    write_test(tmp_path, *entries, types={"Id1": "type1", "Id2": "type2", "Id3": "type3"})
    examples = webnlg_2020.load(tmp_path, "test", "plain").examples
    assert [x.group for x in examples] == ["seen", "unseen_entities", "unseen_categories"]


@pytest.mark.parametrize("form", ["tree", "en", "bare", "archive"])
def test_forms_in_which_the_release_is_passed_on(tmp_path: Path, form: str) -> None:
    english = SAMPLES / "webnlg_2020" / TREE
    if form == "archive":
        with tarfile.open(tmp_path / "release_v3.0.tar.gz", "w:gz") as archive:
            archive.add(english, "webnlg-dataset-master/release_v3.0/en")
    else:
        where = {"tree": tmp_path / TREE, "en": tmp_path / "en", "bare": tmp_path}[form]
        where.parent.mkdir(parents=True, exist_ok=True)
        if form == "bare":
            tmp_path = english
        else:
            where.symlink_to(english)
    corpus = webnlg_2020.load(tmp_path, "test", "paper")
    assert corpus == webnlg_2020.load(SAMPLES / "webnlg_2020", "test", "paper")


def test_an_archive_of_the_whole_release_is_read_in_english(tmp_path: Path) -> None:
    russian = tmp_path / "ru"
    write(russian, xml(LATER.replace('lang="en"', 'lang="ru"')), "train/1triples/Airport.xml")
    with tarfile.open(tmp_path / "release_v3.0.tar", "w") as archive:
        archive.add(russian, "release_v3.0/ru")
    assert "a text of language 'ru'" in refusal(tmp_path)
    english = SAMPLES / "webnlg_2020"
    with tarfile.open(tmp_path / "release_v3.0.tar", "w") as archive:
        archive.add(english / TREE, TREE)
        archive.add(russian, "release_v3.0/ru")
    assert webnlg_2020.load(tmp_path, "train", "paper").examples == webnlg_2020.load(english, "train", "paper").examples


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({}, "3: rdf-to-text-generation-test-instance-types.json has no type of 'Id1'; copy both again"),
        ({"Id1": "type9"}, "Id1 has type 'type9'; there are type1, type2, type3"),
        ([], "an object is expected, not a list"),
    ],
)
def test_types_of_another_file(tmp_path: Path, types: object, message: str) -> None:
    write_test(tmp_path, LATER, types=types)
    assert message in refusal(tmp_path, "test")


def test_a_test_directory_without_the_types_is_refused(tmp_path: Path) -> None:
    write(tmp_path, xml(LATER), f"{TREE}/{webnlg_2020.TEST_FILE}")
    assert "is not there; it says which inputs are seen" in refusal(tmp_path, "test")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('category="Airport"', 'category="Volcano"', "unknown category 'Volcano'; WebNLG 2020 has Airport, "),
        ("toFix", "bad", "a text is marked 'bad'; the release has good and toFix and no mark"),
        ('lang="en"', 'lang="ru"', "a text of language 'ru'; task=webnlg_2020 is the English part"),
        ("B serve C.", " ", "a lexicalisation is empty"),
        ('<mtriple>A_B | cityServed | "C, D"</mtriple>', "", "no triple"),
    ],
)
def test_malformed_entries(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, xml(LATER.replace(old, new)), f"{TREE}/train/1triples/a.xml")
    assert refusal(tmp_path).startswith(f"{path}:3: {message}")


def test_an_empty_directory_says_where_the_release_is(tmp_path: Path) -> None:
    assert "`prefixrun data download task=webnlg_2020 data_dir=DIR` fetches it" in refusal(tmp_path)


@pytest.mark.parametrize(
    "name", ["webnlg_challenge_2017/train/1triples/a.xml", f"{TREE}/train/1triples/a.xml", "train/1triples/a.xml"]
)
def test_the_release_of_2017_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, xml(ENTRY), name)
    assert refusal(tmp_path).endswith("this is WebNLG 2017, not 2020 (release_v3.0); use task=webnlg")


def test_the_test_part_of_2017_is_named(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY), "test/testdata_with_lex.xml")
    assert refusal(tmp_path, "test") == f"{tmp_path}: this is WebNLG 2017, not 2020 (release_v3.0); use task=webnlg"

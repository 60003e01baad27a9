"""The three forms of WebNLG 2017 (XML directory, archive, JSON), and what is refused."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import webnlg
from prefixrun.errors import DataError
from webnlg_xml import ENTRY, write, xml


def refusal(directory: Path, text: str) -> str:
    path = write(directory, text)
    with pytest.raises(DataError) as caught:
        webnlg.load(directory, "train", "paper")
    assert str(caught.value).startswith(f"{path}:")
    return str(caught.value).removeprefix(f"{path}:")


def test_only_one_file_of_the_test_directory_counts(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY), "test/testdata_with_lex.xml")
    write(tmp_path, xml(ENTRY), "test/testdata_unseen_with_lex.xml")
    write(tmp_path, xml(ENTRY), "test/testdata_no_lex.xml")
    assert len(webnlg.load(tmp_path, "test", "paper").examples) == 1


@pytest.mark.parametrize("root", ["webnlg_challenge_2017", "latest/webnlg", "train-dev-test/webnlg", "."])
def test_directory_archive_and_nested_directory_agree(tmp_path: Path, root: str) -> None:
    names = ["train/1triples/b.xml", "train/1triples/a.xml", "train/2triples/a.xml"]
    for number, name in enumerate(names):
        text = xml(ENTRY.replace("A_B", f"X{number}").replace("Id1", f"Id{number}"))
        write(tmp_path / "plain", text, name)
        write(tmp_path / "nested" / "webnlg_challenge_2017", text, name)
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / "webnlg_challenge_2017.tar.gz", "w:gz") as archive:
        for name in names:
            archive.add(tmp_path / "plain" / name, f"{root}/{name}")
    corpora = [webnlg.load(tmp_path / form, "train", "paper") for form in ("plain", "nested", "packed")]
    assert corpora[0] == corpora[1] == corpora[2]
    assert [x.source.split()[1] for x in corpora[0].examples] == ["X1", "X0", "X2"]


def test_archive_members_cannot_lead_out_of_the_archive(tmp_path: Path) -> None:
    data = xml(ENTRY).encode()
    with tarfile.open(tmp_path / "webnlg_challenge_2017.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("../../train/evil.xml")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("train/link.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert len(webnlg.load(tmp_path, "train", "paper").examples) == 1
    assert not list(tmp_path.parent.glob("**/evil.xml"))


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "tree", xml(*[ENTRY.replace("A_B", f"X{n}") for n in range(500)]))
    path = tmp_path / "webnlg_challenge_2017.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "tree" / "train", "webnlg_challenge_2017/train")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="damaged or truncated archive"):
        webnlg.load(tmp_path, "train", "paper")


def test_archive_without_the_split_is_refused(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY), "dev/a.xml")
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match="no XML file of the train split"):
        webnlg.load(tmp_path, "train", "paper")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (xml(ENTRY.replace("serves", "café")).encode("latin-1"), r"a\.xml:5: malformed XML"),
        (f'<?xml version="1.0" encoding="klingon"?>{xml(ENTRY)}'.encode(), r"a\.xml:.*encoding"),
    ],
    ids=["not what is declared", "one that nobody knows"],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    write(tmp_path, "").write_bytes(data)
    with pytest.raises(DataError, match=message):
        webnlg.load(tmp_path, "train", "paper")


BOMB = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><benchmark>&b;</benchmark>'


OUTSIDE = '\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><benchmark>&a;</benchmark>'


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_entity_bombs_and_outside_entities_are_refused(tmp_path: Path, text: str) -> None:
    said = refusal(tmp_path, text)
    assert said.startswith("2: declares DTD")
    assert "refused: take the file from the release" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</entry>", "</entri>", "7: malformed XML"),
        ("Airport", "Volcano", "3: unknown category 'Volcano'"),
        (' | "C, D"', "", "3: a triple of 2 parts ('A_B | cityServed'); give subject, property and object"),
        ('"C, D"', "", "3: a triple without object ('A_B | cityServed | '); fill it or remove the triple"),
        ("A_B", "", "3: a triple without subject"),
        ("cityServed", " ", "3: a triple without property"),
        ("serves", "<b>serves</b>", "3: markup <b> inside <lex>; remove it, or write < as &lt; if it is text"),
        ("cityServed", "<i/>cityServed", "3: markup <i> inside <mtriple>"),
        ("</modifiedtripleset>", "</modifiedtripleset><modifiedtripleset/>", "3: more than one modifiedtripleset"),
        ("toFix", "bad", "3: a text is marked 'bad'"),
        ("B serve C.", " ", "3: a lexicalisation is empty"),
        ('<mtriple>A_B | cityServed | "C, D"</mtriple>', "", "3: no triple"),
    ],
)
def test_malformed_entries(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    assert refusal(tmp_path, xml(ENTRY.replace(old, new))).startswith(message)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            (
                ENTRY,
                '<entry category="Food"><modifiedtripleset><mtriple>a | b | c</mtriple></modifiedtripleset></entry>\n',
            ),
            "8: no lexicalisation",
        ),
        (
            ("<!-- <entry> was here\nand <entry category='x'/> -->\n", ENTRY.replace("Airport", "Volcano")),
            "5: unknown category",
        ),
    ],
    ids=["an entry without any text", "an entry inside a comment is no entry"],
)
def test_a_wrong_entry_is_refused_with_its_line(tmp_path: Path, entries: tuple[str, ...], message: str) -> None:
    assert refusal(tmp_path, xml(*entries)).startswith(message)


@given(st.text(max_size=80))
def test_no_text_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.mktemp("xml")
    (directory / "train").mkdir()
    (directory / "train" / "a.xml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError):
        webnlg.load(directory, "train", "paper")


JSON_ENTRY = {
    "category": "Airport",
    "modifiedtripleset": [{"subject": "A_B", "property": "cityServed", "object": '"C, D"'}],
    "lexicalisations": [{"comment": "good", "lex": "B & A  serves C."}, {"comment": "toFix", "lex": "B serve C."}],
}
WITHOUT_CATEGORY = {name: value for name, value in JSON_ENTRY.items() if name != "category"}
WITHOUT_SUBJECT = {**JSON_ENTRY, "modifiedtripleset": [{"subject": "", "property": "b", "object": "c"}]}
WITH_ID = {**JSON_ENTRY, "xml_id": "Id1", "size": "1"}


def test_json_form_is_the_same_corpus(tmp_path: Path) -> None:
    write(tmp_path / "xml", xml(ENTRY))
    write(tmp_path / "json", json.dumps({"entries": [{"1": JSON_ENTRY}]}), "train.json")
    forms = [webnlg.load(tmp_path / form, "train", "paper") for form in ("xml", "json")]
    assert forms[0].examples == forms[1].examples
    assert forms[0].skipped == forms[1].skipped


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "train.json: an object is expected, not a list"),
        ('{"items": []}', "train.json: no 'entries', only items"),
        (
            json.dumps({"entries": [{"1": JSON_ENTRY, "2": JSON_ENTRY}]}),
            "train.json: entry 1: one numbered object is expected",
        ),
        (json.dumps({"entries": [{"1": WITHOUT_CATEGORY}]}), "train.json: entry 1: no 'category'"),
        (
            json.dumps({"entries": [{"1": {**JSON_ENTRY, "lexicalisations": [3]}}]}),
            "entry 1, lexicalisations: an object is expected",
        ),
        (json.dumps({"entries": [{"1": WITHOUT_SUBJECT}]}), "entry 1: a triple without subject"),
        (
            json.dumps({"entries": [{"0": WITH_ID}, {"1": WITH_ID}]}),
            "train.json: entry 2: the entry Id1 of category Airport and size 1 stands at",
        ),
        ('{"entries": []}', "the train split has no entry with a good text"),
        ('{"entries": [\n{"1": ', "train.json:2: not JSON"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, text, "train.json")
    with pytest.raises(DataError) as caught:
        webnlg.load(tmp_path, "train", "paper")
    assert message in str(caught.value)

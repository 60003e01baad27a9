"""WebNLG 2017: its three forms, seen and unseen, and what is refused."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import webnlg
from prefixrun.errors import DataError

ENTRY = """<entry category="Airport" eid="Id1" size="1">
  <modifiedtripleset><mtriple>A_B | cityServed | "C, D"</mtriple></modifiedtripleset>
  <lex comment="good" lid="Id1">B &amp; A  serves C.</lex>
  <lex comment="toFix" lid="Id2">B serve C.</lex>
</entry>
"""


def xml(*entries: str) -> str:
    """The entries, each with an id of its own, the first with Id1."""
    own = (entry.replace('eid="Id1"', f'eid="Id{number}"') for number, entry in enumerate(entries, start=1))
    return f"<benchmark>\n<entries>\n{''.join(own)}</entries>\n</benchmark>\n"


def write(directory: Path, text: str, name: str = "train/1triples/a.xml") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(directory: Path, text: str) -> str:
    path = write(directory, text)
    with pytest.raises(DataError) as caught:
        webnlg.load(directory, "train", "paper")
    assert str(caught.value).startswith(f"{path}:")
    return str(caught.value).removeprefix(f"{path}:")


def test_good_texts_of_the_modified_triples(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY))
    corpus = webnlg.load(tmp_path, "train", "paper")
    assert [(x.id, x.source, x.references, x.group) for x in corpus.examples] == [
        ("train-00000", ' | A_B : cityServed : "C, D"', ("B & A serves C.",), "seen")
    ]
    assert [(left.reason, left.count) for left in corpus.skipped] == [("texts marked toFix", 1)]


def test_plain_linearisation(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY))
    assert webnlg.load(tmp_path, "train", "plain").examples[0].source == "A B, city served: C, D"


def test_entry_without_a_good_text_is_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY, ENTRY.replace('"good"', '"toFix"')))
    corpus = webnlg.load(tmp_path, "train", "paper")
    assert len(corpus.examples) == 1
    assert corpus.files[0].records == 2
    assert ("entries without a text marked good", 1) in [(left.reason, left.count) for left in corpus.skipped]


def test_unseen_categories_are_grouped(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY, ENTRY.replace("Airport", "Artist")), "test/testdata_with_lex.xml")
    assert [x.group for x in webnlg.load(tmp_path, "test", "paper").examples] == ["seen", "unseen"]


def test_only_one_file_of_the_test_directory_counts(tmp_path: Path) -> None:
    write(tmp_path, xml(ENTRY), "test/testdata_with_lex.xml")
    write(tmp_path, xml(ENTRY), "test/testdata_unseen_with_lex.xml")
    write(tmp_path, xml(ENTRY), "test/testdata_no_lex.xml")
    assert len(webnlg.load(tmp_path, "test", "paper").examples) == 1


def test_directory_archive_and_nested_directory_agree(tmp_path: Path) -> None:
    names = ["train/1triples/b.xml", "train/1triples/a.xml", "train/2triples/a.xml"]
    for number, name in enumerate(names):
        text = xml(ENTRY.replace("A_B", f"X{number}").replace("Id1", f"Id{number}"))
        write(tmp_path / "plain", text, name)
        write(tmp_path / "nested" / "webnlg_challenge_2017", text, name)
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / "webnlg_challenge_2017.tar.gz", "w:gz") as archive:
        for name in names:
            archive.add(tmp_path / "plain" / name, f"webnlg_challenge_2017/{name}")
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


def test_entry_without_any_text_is_refused_with_its_line(tmp_path: Path) -> None:
    bare = '<entry category="Food"><modifiedtripleset><mtriple>a | b | c</mtriple></modifiedtripleset></entry>\n'
    assert refusal(tmp_path, xml(ENTRY, bare)).startswith("8: no lexicalisation")


def test_an_entry_inside_a_comment_is_no_entry(tmp_path: Path) -> None:
    hidden = "<!-- <entry> was here\nand <entry category='x'/> -->\n"
    assert refusal(tmp_path, xml(hidden, ENTRY.replace("Airport", "Volcano"))).startswith("5: unknown category")


def test_an_entry_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    first = write(tmp_path, xml(ENTRY, ENTRY))
    second = write(tmp_path, xml(ENTRY), "train/2triples/b.xml")
    with pytest.raises(DataError) as caught:
        webnlg.load(tmp_path, "train", "paper")
    assert str(caught.value) == (
        f"{second}:3: the entry Id1 of category Airport and size 1 stands at {first}:3 too; remove one of the two"
    )
    write(tmp_path, xml(ENTRY.replace('size="1"', 'size="2"')), "train/2triples/b.xml")
    assert len(webnlg.load(tmp_path, "train", "paper").examples) == 3


def test_wrong_encoding_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(xml(ENTRY.replace("serves", "café")).encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.xml:5: malformed XML"):
        webnlg.load(tmp_path, "train", "paper")


def test_declared_encoding_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert "encoding" in refusal(tmp_path, f'<?xml version="1.0" encoding="klingon"?>{xml(ENTRY)}')


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


def write_json(directory: Path, content: object) -> None:
    write(directory, json.dumps(content), "train.json")


def test_json_form_is_the_same_corpus(tmp_path: Path) -> None:
    write(tmp_path / "xml", xml(ENTRY))
    write_json(tmp_path / "json", {"entries": [{"1": JSON_ENTRY}]})
    forms = [webnlg.load(tmp_path / form, "train", "paper") for form in ("xml", "json")]
    assert forms[0].examples == forms[1].examples
    assert forms[0].skipped == forms[1].skipped


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in JSON_ENTRY.items() if name != key}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "train.json: an object is expected, not a list"),
        ({"items": []}, "train.json: no 'entries', only items"),
        ({"entries": [{"1": JSON_ENTRY, "2": JSON_ENTRY}]}, "train.json: entry 1: one numbered object is expected"),
        ({"entries": [{"1": without("category")}]}, "train.json: entry 1: no 'category'"),
        (
            {"entries": [{"1": {**JSON_ENTRY, "lexicalisations": [3]}}]},
            "entry 1, lexicalisations: an object is expected",
        ),
        (
            {
                "entries": [
                    {"1": {**JSON_ENTRY, "modifiedtripleset": [{"subject": "", "property": "b", "object": "c"}]}}
                ]
            },
            "entry 1: a triple without subject",
        ),
        (
            {"entries": [{str(n): {**JSON_ENTRY, "xml_id": "Id1", "size": "1"}} for n in range(2)]},
            "train.json: entry 2: the entry Id1 of category Airport and size 1 stands at",
        ),
        ({"entries": []}, "the train split has no entry with a good text"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path: Path, content: object, message: str) -> None:
    write_json(tmp_path, content)
    with pytest.raises(DataError) as caught:
        webnlg.load(tmp_path, "train", "paper")
    assert message in str(caught.value)


def test_truncated_json_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, '{"entries": [\n{"1": ', "train.json")
    with pytest.raises(DataError, match=r"train\.json:2: not JSON"):
        webnlg.load(tmp_path, "train", "paper")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("split", "entries", "examples", "pairs"),
    [("train", 6_940, 6_935, 18_025), ("dev", 872, 871, 2_258), ("test", 1_862, 1_862, 4_928)],
)
def test_counts_of_the_release_in_both_forms(shared: Path, split: str, entries: int, examples: int, pairs: int) -> None:
    forms = [webnlg.load(shared / "data" / "webnlg" / form, split, "paper") for form in ("", "json")]
    for corpus in forms:
        assert (corpus.files[0].records, len(corpus.examples), corpus.pairs) == (entries, examples, pairs)
    assert forms[0].examples == forms[1].examples


@pytest.mark.shared
def test_seen_and_unseen_inputs_of_the_release(shared: Path) -> None:
    groups = [x.group for x in webnlg.load(shared / "data" / "webnlg", "test", "paper").examples]
    assert (groups.count("seen"), groups.count("unseen")) == (971, 891)


@pytest.mark.shared
def test_token_means_of_the_paper(shared: Path, gpt2_lengths: Callable[[list[str]], list[int]]) -> None:
    """Table 1 of the ACL version: 49.6 tokens an input and 30.7 a text, the latter with the two end-of-text tokens."""
    pairs = webnlg.load(shared / "data" / "webnlg", "train", "paper").all_pairs()
    sources = gpt2_lengths([f" {pair.source} " for pair in pairs])
    targets = gpt2_lengths([f" {pair.target} " for pair in pairs])
    assert sum(sources) / len(pairs) == pytest.approx(49.63, abs=0.01)
    assert sum(targets) / len(pairs) + 2 == pytest.approx(30.67, abs=0.01)


@pytest.fixture(scope="session")
def gpt2_lengths(shared: Path) -> Callable[[list[str]], list[int]]:
    files = shared / "data" / "gpt2_tokenizer"
    model = tokenizers.models.BPE.from_file(str(files / "vocab.json"), str(files / "merges.txt"))
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return lambda texts: [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]


@pytest.mark.shared
def test_archive_and_json_copies_are_what_the_shared_files_hold(shared: Path) -> None:
    """The JSON form, read without our loader, gives the same inputs and texts as the archive read with it."""
    content = json.loads(gzip.decompress((shared / "data" / "webnlg" / "json" / "test.json.gz").read_bytes()))
    entries = [next(iter(wrapper.values())) for wrapper in content["entries"]]
    ours = webnlg.load(shared / "data" / "webnlg", "test", "paper").examples
    assert [example.source for example in ours] == [
        "".join(f" | {t['subject']} : {t['property']} : {t['object']}" for t in entry["modifiedtripleset"])
        for entry in entries
    ]
    assert [list(x.references) for x in ours] == [[lex["lex"] for lex in e["lexicalisations"]] for e in entries]

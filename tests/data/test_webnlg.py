"""WebNLG 2017: texts, groups, and the counts of the release."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from prefixrun.data import webnlg
from prefixrun.errors import DataError
from webnlg_xml import ENTRY, write, xml


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

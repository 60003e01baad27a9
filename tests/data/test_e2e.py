"""E2E: linearisation, grouping, the real release, and what is refused."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import SPLITS, e2e, load
from prefixrun.data.e2e import FIELDS, MeaningRepresentation, linearise
from prefixrun.errors import DataError

MR = "name[The Mill], eatType[pub], priceRange[£20-25], customer rating[3 out of 5], familyFriendly[yes]"
ROW = f'"{MR}",A pub.\r\n'


def write(directory: Path, text: str | bytes, name: str = "trainset.csv") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(directory: Path, text: str | bytes) -> str:
    """The message with which a training file is refused, from the file's name on."""
    path = write(directory, text)
    with pytest.raises(DataError) as caught:
        e2e.load(directory, "train", "paper")
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    return message.removeprefix(f"{directory}/")


def test_paper_linearisation_renames_fields_and_spaces_prices() -> None:
    assert linearise(MR, "paper") == (
        "name : The Mill | Type : pub | price : £ 20 - 25 | customer rating : 3 out of 5 | family friendly : yes"
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("priceRange[£20-25]", "price : £ 20 - 25"),
        ("priceRange[less than £20]", "price : less than £ 20"),
        ("priceRange[more than £30]", "price : more than £ 30"),
        ("priceRange[moderate]", "price : moderate"),
        ("name[Bar 20-25], near[£5 Shop]", "name : Bar 20-25 | near : £5 Shop"),
    ],
)
def test_prices_are_respaced_and_nothing_else(written: str, expected: str) -> None:
    assert linearise(written, "paper") == expected


def test_plain_linearisation_keeps_values() -> None:
    assert linearise(MR, "plain") == (
        "name: The Mill; eat type: pub; price range: £20-25; customer rating: 3 out of 5; family friendly: yes"
    )


VALUES = st.text(st.characters(blacklist_characters="[]", blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES.map(str.strip).filter(bool), min_size=1))
def test_every_well_formed_meaning_representation_is_read_back(slots: dict[str, str]) -> None:
    text = ", ".join(f"{field}[{value}]" for field, value in slots.items())
    assert dict(MeaningRepresentation.parse(text).slots) == slots


@given(st.text(max_size=60))
def test_any_other_text_is_refused_and_never_crashes(text: str) -> None:
    try:
        slots = MeaningRepresentation.parse(text).slots
    except ValueError:
        return
    assert slots
    assert all(field in FIELDS and value for field, value in slots)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name[X], colour[red]", "unknown field 'colour'"),
        ("name[X], name[Y]", "field 'name' stands there twice"),
        ("name[ ]", "field 'name' has no value"),
        ("name[X", "not of the form"),
        ("name[X], ", "not of the form"),
        ("", "not of the form"),
    ],
)
def test_malformed_meaning_representations(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MeaningRepresentation.parse(text)


def test_references_are_grouped_in_order_of_first_appearance(tmp_path: Path) -> None:
    write(tmp_path, "mr,ref\r\nname[B],one\r\nname[A],two\r\nname[B],three\r\nname[B],one\r\n")
    corpus = e2e.load(tmp_path, "train", "paper")
    assert [(x.id, x.source, x.references) for x in corpus.examples] == [
        ("train-00000", "name : B", ("one", "three", "one")),
        ("train-00001", "name : A", ("two",)),
    ]
    assert corpus.pairs == 4
    assert corpus.files[0].records == 4


def test_line_breaks_in_a_reference_become_blanks(tmp_path: Path) -> None:
    write(tmp_path, 'mr,ref\r\nname[A],"one\r\n two "\r\n')
    assert e2e.load(tmp_path, "train", "plain").examples[0].references == ("one two",)


def test_gzip_and_plain_copies_are_the_same_corpus(tmp_path: Path) -> None:
    text = f"mr,ref\r\n{ROW}"
    write(tmp_path / "a", text)
    write(tmp_path / "b", gzip.compress(text.encode()), "trainset.csv.gz")
    assert e2e.load(tmp_path / "a", "train", "paper") == e2e.load(tmp_path / "b", "train", "paper")


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    write(tmp_path, "ref,fixed,mr\r\nA pub.,0,name[A]\r\n")
    assert e2e.load(tmp_path, "train", "paper").examples[0].references == ("A pub.",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"meaning,ref\r\n{ROW}", ":1: no column mr in the header"),
        ("mr,ref,ref\r\nname[A],one,two\r\n", ":1: the header names the column ref twice; remove one of the two"),
        ('mr\n"name[A]"\n', ":1: no column ref in the header"),
        (f'mr,ref\r\n{ROW}"{MR}"', ":3: 1 field where the header has 2"),
        (f'mr,ref\r\n{ROW}"name[A]","A pub', ":3: broken CSV row"),
        ('mr,ref\r\nname[A],"one\r\ntwo"\r\nname[B],\r\n', ":4: the reference"),  # a field has two lines
        ("mr,ref\r\nname[A], \r\n", ":2: the reference is empty"),
        (f"mr,ref\r\n{ROW}colour[red],A pub.\r\n", ":3: unknown field 'colour'"),
        (b"mr,ref\r\nname[A],caf\xe9\r\n", ":2: byte 0xe9 is not UTF-8"),
        ("", ": the file is empty"),
        ("\ufeff", ": the file is empty"),
        ("mr,ref\r\n", ": a header and no row"),
    ],
)
def test_a_malformed_file_is_refused_with_the_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(tmp_path, content).startswith(f"trainset.csv{message}")


COUNTS = {"train": (42_061, 4_862), "dev": (4_672, 547), "test": (4_693, 630)}


@pytest.mark.shared
@pytest.mark.parametrize("split", COUNTS)
def test_counts_of_the_release(shared: Path, split: str) -> None:
    corpus = e2e.load(shared / "data" / "e2e", split, "paper")
    assert (corpus.pairs, len(corpus.examples)) == COUNTS[split]
    assert corpus.files[0].records == corpus.pairs


@pytest.mark.shared
@pytest.mark.parametrize(("split", "name"), [("train", "src1_train"), ("dev", "src1_valid"), ("test", "src1_test")])
def test_every_line_of_the_papers_files(shared: Path, split: str, name: str) -> None:
    """Source equal to the character, target equal but for white space, line by line as the official code reads them."""
    directory = shared / "data" / "e2e"
    text = gzip.decompress((directory / "prefixtuning_form" / f"{name}.txt.gz").read_bytes()).decode()
    theirs = [line.split("||") for line in text.removesuffix("\n").split("\n")]
    corpus = e2e.load(directory, split, "paper")
    grouped: dict[str, list[str]] = {}
    for source, target in theirs:
        grouped.setdefault(source, []).append("".join(target.split()))
    assert [example.source for example in corpus.examples] == list(grouped)
    ours = [["".join(reference.split()) for reference in example.references] for example in corpus.examples]
    assert ours == list(grouped.values())


CLEANED = "mr,ref,fixed,orig_mr\n"


def test_the_cleaned_release_may_have_several_values_of_a_field(tmp_path: Path) -> None:
    row = '"name[A], food[English], food[Indian]",A pub.,1,"name[A], food[English]"\n'
    write(tmp_path, CLEANED + row + row.replace("A pub.", "A place."), "train-fixed.no-ol.csv")
    corpus = e2e.load(tmp_path, "train", "paper", cleaned=True)
    assert (corpus.task, corpus.pairs) == ("e2e_cleaned", 2)
    assert [(x.source, x.references) for x in corpus.examples] == [
        ("name : A | food : English | food : Indian", ("A pub.", "A place."))
    ]
    with pytest.raises(ValueError, match="field 'food' stands there twice"):
        MeaningRepresentation.parse("name[A], food[English], food[English]", cleaned=True)


TO_CLEANED = (
    "this is the cleaned E2E (Dušek et al. 2019); the paper used the original, E2E v1.0.0; use task=e2e_cleaned, "
    "or put the original here"
)
TO_ORIGINAL = "this is the original E2E (v1.0.0), not the cleaned one; use task=e2e"


@pytest.mark.parametrize(
    ("cleaned", "name", "text", "message"),
    [
        (False, "train-fixed.no-ol.csv", f"{CLEANED}name[A],A pub.,0,name[A]\n", f": {TO_CLEANED}"),
        (False, "trainset.csv", f"{CLEANED}name[A],A pub.,0,name[A]\n", f":1: {TO_CLEANED}"),
        (True, "trainset.csv", "mr,ref\nname[A],A pub.\n", f": {TO_ORIGINAL}"),
        (True, "train-fixed.no-ol.csv", "mr,ref\nname[A],A pub.\n", f":1: {TO_ORIGINAL}"),
    ],
)
def test_the_other_release_is_named(tmp_path: Path, cleaned: bool, name: str, text: str, message: str) -> None:
    path = write(tmp_path, text, name)
    with pytest.raises(DataError) as caught:
        e2e.load(tmp_path, "train", "paper", cleaned=cleaned)
    assert str(caught.value) == f"{path}{message}"


@pytest.mark.shared
def test_the_cleaned_release_beside_the_original(shared: Path) -> None:
    """Table 1 of Dušek et al. 2019 has 33,525 / 4,299 / 4,693 texts; the directory of the original may hold them."""
    corpora = [load("e2e_cleaned", split, shared / "data") for split in SPLITS]
    assert [(corpus.pairs, len(corpus.examples)) for corpus in corpora] == [
        (33_525, 12_568),
        (4_299, 1_484),
        (4_693, 1_847),
    ]
    assert {corpus.version for corpus in corpora} == {"cleaned E2E (Dušek et al. 2019)"}

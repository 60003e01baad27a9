"""The sample corpora: what their README says of them, and that every text says what its input says."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from prefixrun.data import LOADERS, SAMPLES, SPLITS, load
from prefixrun.data.e2e import CLEANED_FILES, FIELDS, FILES, MeaningRepresentation

CLOSED_VALUES = {
    "eatType": {"restaurant", "pub", "coffee shop"},
    "food": {"Italian", "French", "Chinese", "English", "Japanese", "Indian", "Fast food"},
    "priceRange": {"cheap", "moderate", "high", "less than £20", "£20-25", "more than £30"},
    "customer rating": {"low", "average", "high", "1 out of 5", "3 out of 5", "5 out of 5"},
    "area": {"city centre", "riverside"},
    "familyFriendly": {"yes", "no"},
}
# How a text may say a value that it does not have to repeat letter by letter.
SAID = {
    "cheap": "cheap|inexpensive|low prices",
    "moderate": "moderate",
    "less than £20": "(less than|under) £20",
    "more than £30": "(more than|above|over) £30",
    "average": "average",
    "riverside": "river",
    "low": "low|poor",
    "high": "high|expensive",
}


def rows(split: str) -> list[tuple[dict[str, str], str]]:
    with (SAMPLES / "e2e" / FILES[split]).open(encoding="utf-8", newline="") as stream:
        return [(dict(MeaningRepresentation.parse(row["mr"]).slots), row["ref"]) for row in csv.DictReader(stream)]


def test_e2e_has_no_text_twice() -> None:
    texts = [text for split in SPLITS for _, text in rows(split)]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("split", SPLITS)
def test_e2e_values_are_those_of_e2e(split: str) -> None:
    inputs = [slots for slots, _ in rows(split)]
    assert {field for slots in inputs for field in slots} == set(FIELDS)
    for field, values in CLOSED_VALUES.items():
        assert {slots[field] for slots in inputs if field in slots} == values
    assert all([field for field in FIELDS if field in slots] == list(slots) for slots in inputs)


@pytest.mark.parametrize("split", SPLITS)
def test_e2e_texts_say_all_of_their_input_and_no_more(split: str) -> None:
    landmarks = {slots["near"] for slots, _ in rows("train") if "near" in slots}
    assert len(landmarks) == 12
    for slots, text in rows(split):
        assert slots["name"] in text
        assert {place for place in landmarks if place in text} == {
            slots[field] for field in ("near",) if field in slots
        }
        body = text.replace(slots["name"], "").replace(slots.get("near", "\0"), "").lower()
        for field in ("eatType", "food", "area"):
            said = {v for v in CLOSED_VALUES[field] if re.search(rf"\b{SAID.get(v, v.lower())}", body)}
            assert said == ({slots[field]} if field in slots else set()), text
        for field in ("priceRange", "customer rating"):
            assert field not in slots or re.search(SAID.get(slots[field], slots[field]), body), text
        numbers = set(re.findall(r"\d+", f"{slots.get('priceRange')} {slots.get('customer rating')}"))
        assert set(re.findall(r"\d+", body)) == numbers, text
        assert bool(re.search("famil|child|kid|adult", body)) == ("familyFriendly" in slots), text


@pytest.mark.shared
def test_e2e_names_are_not_those_of_the_release(shared: Path) -> None:
    def names(root: Path | None) -> set[str]:
        sources = [example.source for split in SPLITS for example in load("e2e", split, root).examples]
        return {
            part.partition(" : ")[2] for s in sources for part in s.split(" | ") if part.startswith(("name", "near"))
        }

    assert len(names(None)) > 50
    assert not names(None) & names(shared / "data")


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        ("e2e", [(160, 320), (30, 90), (48, 192)]),
        ("webnlg", [(55, 110), (10, 20), (20, 43)]),
        ("e2e_cleaned", [(32, 64), (8, 24), (12, 48)]),
        ("webnlg_2020", [(29, 58), (6, 12), (12, 27)]),
        ("dart", [(36, 72), (8, 16), (16, 34)]),
        ("xsum", [(24, 24), (8, 8), (12, 12)]),
    ],
)
def test_sizes(task: str, counts: list[tuple[int, int]]) -> None:
    corpora = [load(task, split, None) for split in SPLITS]
    assert [(len(corpus.examples), corpus.pairs) for corpus in corpora] == counts


@pytest.mark.parametrize("task", LOADERS)
def test_splits_share_no_input(task: str) -> None:
    train, dev, test = ({example.source for example in load(task, split, None).examples} for split in SPLITS)
    assert train
    assert dev
    assert test
    assert not train & (dev | test)
    assert not dev & test


def test_cleaned_e2e_has_changed_inputs_and_several_values() -> None:
    with (SAMPLES / "e2e_cleaned" / CLEANED_FILES["train"]).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["fixed"] for row in rows} == {"0", "1"}
    assert all((row["mr"] != row["orig_mr"]) == (row["fixed"] == "1") for row in rows)


def test_webnlg_2020_has_the_three_groups_of_test_inputs() -> None:
    groups = Counter(example.group for example in load("webnlg_2020", "test", None).examples)
    assert groups == {"seen": 6, "unseen_entities": 2, "unseen_categories": 4}


def test_webnlg_has_seen_and_unseen_inputs() -> None:
    groups = Counter(example.group for example in load("webnlg", "test", None).examples)
    assert groups == {"seen": 10, "unseen": 10}
    assert {example.group for example in load("webnlg", "train", None).examples} == {"seen"}

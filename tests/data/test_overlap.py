"""What counts as the same input and the same text, and which parts are compared."""

from pathlib import Path

import pytest

from prefixrun.data import Corpus, Example, load
from prefixrun.data.overlap import Contents, Overlap, overlap, report
from prefixrun.data.triples import Triple, dart_paper, webnlg_paper

FACTS = (Triple("Aarhus_Airport", "cityServed", '"Aarhus, Denmark"'), Triple("Aarhus_Airport", "elevation", "25.0"))
AS_IN_DART = (Triple("Aarhus Airport", "ELEVATION", "25.0"), Triple("Aarhus Airport", "CITY_SERVED", "Aarhus, Denmark"))


def corpus(task: str, split: str, *examples: tuple[str, str]) -> Corpus:
    made = tuple(Example(f"{split}-{number}", source, (text,)) for number, (source, text) in enumerate(examples))
    return Corpus(task, split, made, ())


def test_an_input_is_found_in_the_form_of_another_corpus() -> None:
    webnlg = corpus("webnlg", "test", (webnlg_paper(FACTS), "It serves Aarhus."))
    dart = corpus("dart", "train", (dart_paper(AS_IN_DART), "it serves  Aarhus"), ("x : y : z", "Other."))
    found = overlap(Contents.of(webnlg), Contents.of(dart))
    assert found == Overlap("webnlg/test", "dart/train", inputs=1, shared_inputs=1, texts=1, shared_texts=1)


@pytest.mark.parametrize("source", ["a : b : d", "a : b : c | a : b : e", "a : b"])
def test_other_facts_are_another_input(source: str) -> None:
    one, other = corpus("own", "test", ("a : b : c", "x")), corpus("own", "train", (source, "y"))
    found = overlap(Contents.of(one), Contents.of(other))
    assert (found.shared_inputs, found.shared_texts, found.any_shared) == (0, 0, False)


def test_equal_inputs_count_once() -> None:
    test = corpus("own", "test", ("a", "one"), ("A", "two"), ("b", "two"))
    found = overlap(Contents.of(test), Contents.of(corpus("own", "train", ("a", "two"))))
    assert (found.inputs, found.shared_inputs, found.texts, found.shared_texts) == (2, 1, 2, 1)


def test_test_parts_and_foreign_training_parts_are_compared_with_training_parts() -> None:
    parts = [corpus(task, split, (split, task)) for task in ("e2e", "dart") for split in ("train", "dev", "test")]
    assert [(each.part, each.whole) for each in report(parts)] == [
        ("e2e/test", "e2e/train"),
        ("e2e/test", "dart/train"),
        ("dart/test", "e2e/train"),
        ("dart/test", "dart/train"),
        ("e2e/train", "dart/train"),
        ("dart/train", "e2e/train"),
    ]


@pytest.mark.shared
def test_dart_holds_webnlg_and_e2e(shared: Path) -> None:
    parts = [load(task, "train", shared / "data") for task in ("e2e", "webnlg", "dart")]
    found = {(each.part, each.whole): each for each in report(parts)}
    webnlg, e2e = found["webnlg/train", "dart/train"], found["e2e/train", "dart/train"]
    assert (webnlg.shared_inputs, webnlg.inputs) == (6_335, 6_888)
    assert (webnlg.shared_texts, webnlg.texts) == (17_717, 17_837)
    # DART took the cleaned E2E, with fewer texts and with its inputs as triples.
    assert (e2e.shared_inputs, e2e.shared_texts, e2e.texts) == (0, 32_338, 40_692)

"""Generated tasks: every answer is right, and the examples are the same on every machine and in every version."""

from collections import Counter
from pathlib import Path

import pytest

from prefixrun.config.task_settings import GENERATED_TASKS
from prefixrun.data import SPLITS, generated, load
from prefixrun.data.generated import BLAME, PRAISE, SIZES

FIRST = {
    "sort_letters": ("h v v w e a l", "a e h l v v w"),
    "shift_letters": ("r e w n f o u", "u h z q i r x"),
    "majority": ("The garden was terrible, the price was lovely and the coffee was wonderful.", "positive"),
}
LAST_DIGEST = {"sort_letters": "4efc7444", "shift_letters": "0326b9f2", "majority": "ecf3b7a9"}
"""Of the test part: its examples are part of what a run is."""


def examples(task: str) -> list[tuple[str, str]]:
    return [(e.source, e.references[0]) for split in SPLITS for e in load(task, split, None).examples]


def test_the_schema_names_the_tasks() -> None:
    assert tuple(generated.TASKS) == GENERATED_TASKS


@pytest.mark.parametrize("task", GENERATED_TASKS)
def test_the_examples_never_change(task: str) -> None:
    assert examples(task)[0] == FIRST[task]
    assert load(task, "test", None).files[0].sha256.startswith(LAST_DIGEST[task])
    assert {split: len(load(task, split, None).examples) for split in SPLITS} == SIZES


@pytest.mark.parametrize("task", GENERATED_TASKS)
def test_no_input_stands_in_two_places_and_no_directory_is_read(task: str, tmp_path: Path) -> None:
    inputs = [source for source, _ in examples(task)]
    assert len(set(inputs)) == len(inputs)
    corpus = load(task, "dev", tmp_path / "nowhere")
    assert corpus == load(task, "dev", None)
    assert corpus.version == "generated"


def test_letters_are_sorted_and_shifted() -> None:
    for source, target in examples("sort_letters"):
        assert target.split() == sorted(source.split())
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    table = str.maketrans(alphabet, alphabet[3:] + "abc")
    for source, target in examples("shift_letters"):
        assert target == source.translate(table)
        assert 4 <= len(source.split()) <= 7


def test_an_answer_is_what_most_opinions_are() -> None:
    answers = Counter()
    for review, answer in examples("majority"):
        words = review.rstrip(".").replace(",", "").split()
        praise, blame = (sum(word in opinions for word in words) for opinions in (PRAISE, BLAME))
        assert praise + blame == 3
        assert answer == ("positive" if praise > blame else "negative")
        answers[answer] += 1
    assert 0.45 < answers["positive"] / answers.total() < 0.55

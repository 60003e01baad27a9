"""Words of any script, and scores that say nothing for a script."""

import pytest
from rouge_score.rouge_scorer import RougeScorer

from prefixrun.metrics import CHOICES, score, suite
from prefixrun.metrics.rouge import Rouge
from prefixrun.metrics.writing import why_not, words

RUSSIAN, CHINESE, ENGLISH = "Кошка спит на тёплой крыше.", "猫在温暖的屋顶上睡觉。", "The cat sleeps on the warm roof."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 20% of_them", ["it", "s", "20", "of", "them"]),
        ("Über die Straße", ["über", "die", "straße"]),
        ("e\u0301lan", ["élan"]),
        (RUSSIAN, ["кошка", "спит", "на", "тёплой", "крыше"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs are marks, which are no letters to Python's \\w
        ("猫GPT2が", ["猫", "gpt2", "が"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("고양이 잔다", ["고양이", "잔다"]),
        ("👍 — …", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("reference", "with_words", "ascii_only"),
    [
        (ENGLISH, True, True),
        (RUSSIAN, True, False),
        (CHINESE, False, False),
        ("für Gäste", True, True),
        ("42", True, True),
    ],
)
def test_which_writings_a_metric_reads(reference: str, with_words: bool, ascii_only: bool) -> None:
    references = ((reference,), (reference, reference))
    assert why_not("any writing", references) is None
    assert (why_not("words between blanks", references) is None) == with_words
    assert (why_not("letters a to z", references) is None) == ascii_only


@pytest.mark.parametrize("text", [RUSSIAN, CHINESE, ENGLISH])
def test_a_perfect_output_has_the_best_score_or_none_with_a_reason(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefixrun.metrics.meteor.shutil.which", lambda name: None)
    best = {"BLEU", "BLEU-CHAR", "chrF", "ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE_L"}
    names = ",".join(name for name in CHOICES if name not in ("NIST", "TER", "CIDEr"))
    found = score("e2e", [text] * 2, [[text]] * 2) | score("xsum", [text] * 2, [[text]] * 2)
    assert {name for name in found if found[name].value is None and not found[name].reason} == set()
    for scores in (found, score(names, [text] * 2, [[text]] * 2)):
        assert {round(s.value, 6) for name, s in scores.items() if name in best and s.value is not None} == {100.0}
    chosen = score("ROUGE-1,ROUGE-2,ROUGE-L,chrF,BLEU-CHAR", [text] * 2, [[text]] * 2)
    assert all(each.value is not None for each in chosen.values())


def test_rouge_of_own_tasks_is_that_of_rouge_score_without_stems() -> None:
    output, reference = "Two cats slept, warmly; on roofs", "The cat_s slept warmly on the roofs"
    peer = RougeScorer(["rouge1", "rouge2", "rougeL"]).score(reference, output)
    for kind in "12L":
        value = score(f"ROUGE-{kind}", [output], [[reference]])[f"ROUGE-{kind}"].value
        assert value == pytest.approx(100 * peer[f"rouge{kind}"].fmeasure, abs=1e-9)


def test_a_suite_of_ones_own_choice() -> None:
    assert suite(" rouge-l, CHRF").metrics == (Rouge("none", ("L",)), CHOICES["chrF"])
    grouped = score("chrF", ["a", "b"], [["a"], ["c"]], ["x", "y"])
    assert {name: one.value for name, one in grouped.items()} == {"chrF/all": 50.0, "chrF/x": 100.0, "chrF/y": 0.0}
    assert set(score("chrF", ["a"], [["a"]])) == {"chrF"}

"""Every scorer against values of the official programs, on texts written for these cases: nothing outside is needed."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from golden_cases import CASES, HERE, PREPARED, RECORDED, read
from prefixrun.metrics import SUITES, meteor
from prefixrun.metrics.meteor import Meteor
from prefixrun.metrics.preparation import DART, PTB, WEBNLG_2017, Preparation
from prefixrun.metrics.ptb import ptb_tokens
from scoring import counts_of, score_one

PREPARATIONS: dict[str, Preparation] = {"e2e": PTB, "webnlg": WEBNLG_2017, "dart": DART}
PER_CENT = {("e2e", "BLEU"), ("e2e", "METEOR"), ("e2e", "ROUGE_L")}
"""Fractions in the official programs, per cent here and in the paper."""
TOLERANCES = {"ROUGE-1_155": 1e-3, "ROUGE-2_155": 1e-3, "ROUGE-L_155": 1e-3}
"""ROUGE-1.5.5 prints five digits, of values that it has rounded before."""


def official(name: str, score: str) -> object:
    """The recorded value on the scale of this package, to be compared with."""
    case = read(name)
    scale = 100 if (case.task, score) in PER_CENT else 1
    return pytest.approx(scale * case.scores[score], rel=0, abs=TOLERANCES.get(score, 1e-9))


@pytest.mark.parametrize(("name", "score"), [(name, score) for name, score in RECORDED if score != "METEOR"])
def test_scores(name: str, score: str) -> None:
    case = read(name)
    assert score_one(case.task, score, case.outputs, case.references) == official(name, score)


@pytest.mark.slow
@pytest.mark.parametrize("name", PREPARED)
def test_meteor_of_the_java_program(name: str) -> None:
    case = read(name)
    assert score_one(case.task, "METEOR", case.outputs, case.references) == official(name, "METEOR")


@pytest.mark.parametrize("name", PREPARED)
def test_texts_are_prepared_as_by_the_official_programs(name: str) -> None:
    case = read(name)
    preparation = PREPARATIONS[case.task]
    prepared = [
        (preparation.output(output), [preparation.reference(text) for text in texts])
        for output, texts in zip(case.outputs, case.references, strict=True)
    ]
    assert prepared == case.prepared


@pytest.mark.parametrize("name", PREPARED)
def test_meteor_from_the_recorded_answers_of_its_program(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All of METEOR but the Java program: the questions, the sum of the answers, the score of the sum."""
    case = read(name)
    # the program splits at runs of blanks
    questions = [" ".join(" ||| ".join(("SCORE", *texts, output)).split()) for output, texts in case.prepared]
    answers = dict(zip(questions, case.statistics, strict=True))

    class Recorded:
        def ask(self, line: str) -> str:
            return answers[" ".join(line.split())]

    monkeypatch.setattr(meteor, "jar", lambda: tmp_path)
    monkeypatch.setattr(meteor, "_program", Recorded)
    metric = next(metric for metric in SUITES[case.task].metrics if isinstance(metric, Meteor))
    meteor._statistics.cache_clear()
    try:
        counts = counts_of(metric, case.references, case.outputs)
    finally:
        meteor._statistics.cache_clear()
    assert metric.aggregate(counts.sum(axis=0))["METEOR"] == official(name, "METEOR")


@pytest.mark.parametrize(("file", "number"), [("ptb_tokens.jsonl", 40), ("ptb_characters.jsonl", 3282)])
def test_penn_treebank_tokens(file: str, number: int) -> None:
    lines = (HERE / file).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    pairs = [json.loads(line) for line in lines]
    assert len(pairs) == number
    assert [(text, tokens) for text, tokens in pairs if " ".join(ptb_tokens(text)) != tokens] == []


def test_every_scorer_is_proven_on_three_cases() -> None:
    """All but the scores that need a model's weights and those that read the input."""
    proven = Counter((read(name).task if score != "chrF" else "any", score) for name, score in RECORDED)
    wanted = {
        ("any" if score == "chrF" else task, score)
        for task, suite in SUITES.items()
        for metric in suite.metrics
        for score in metric.names
    } - {("dart", score) for score in ("MoverScore", "BERTScore", "BLEURT")}
    assert {key: proven[key] for key in wanted if proven[key] < 3} == {}
    assert set(proven) == wanted


def test_values_are_finite_and_say_where_they_come_from() -> None:
    for name in CASES:
        scores = json.loads((HERE / "cases" / f"{name}.json").read_text(encoding="utf-8"))["scores"]
        for entry in scores.values():
            assert np.isfinite(entry["value"])
            assert "prefixrun" not in entry["by"]

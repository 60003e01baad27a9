"""The page of an inspected run: everything with a caption, nothing that is fetched, every text a text."""

import re
from dataclasses import replace

import pytest

from prefixrun.analysis.html.inspection_page import inspection_page, pictures
from prefixrun.results.inspection.agreement import Agreement
from prefixrun.results.inspection.attention_shares import READING, WRITING, SiteAttention
from prefixrun.results.inspection.inspection import Inspection
from prefixrun.results.inspection.losses import Change, LossChanges
from prefixrun.results.inspection.words import Cell, Position, SiteWords, Word

HOSTILE = "<script>x</script>"


def inspection(tokens: tuple[str, ...] = ("␣one", "␣two")) -> Inspection:
    cells = tuple(Cell("␣one", 0.8, 0.7, 0.3, 1.5, 2.5) for _ in range(3))
    words = SiteWords("decoder", (0, 1, 2), tuple(Position((Word(t, 0.8),), 0.3, cells) for t in tokens), "one two")
    shares = tuple((0.25, 0.125) for _ in range(3))
    losses = LossChanges(
        loss=0.5,
        pairs=4,
        inputs=3,
        tokens=44,
        everything=Change("", (), (), 1.25, 0.25),
        positions=tuple(Change("", (), (index,), 0.1 * index, 0.05) for index in range(2)),
        layers=tuple(Change("decoder", (index,), (), -0.1, None) for index in range(3)),
        sites=(),
        cells=tuple(Change("decoder", (row,), (index,), 0.2, 0.1) for row in range(3) for index in range(2)),
        cell_pairs=2,
    )
    return Inspection(
        run_id="0123456789ab",
        task="e2e",
        model="tiny_gpt2",
        method="prefix_flat",
        prefix_len=2,
        init="words",
        seed=7,
        data_source="sample",
        dev_loss=0.625,
        split="test",
        inputs=3,
        candidates=40,
        vocabulary=1257,
        is_seq2seq=False,
        words=(words,),
        attention=tuple(SiteAttention("decoder", kind, (0, 1, 2), shares, 0.1, 9) for kind in (READING, WRITING)),
        losses=losses,
    )


def page(found: Inspection) -> str:
    return inspection_page(found, pictures(found), command="prefixrun inspect", made="2026-01-02T03:04:05+00:00")


def test_every_picture_has_a_caption_and_nothing_is_fetched() -> None:
    html = page(inspection())
    assert html.count("<figcaption>What to see: ") == html.count("<img ") == 5
    assert html.count("Computed: ") >= 8
    assert set(re.findall(r'src="(.{10})', html)) == {"data:image"}
    assert "<script" not in html
    assert "http:" not in re.sub(r'src="[^"]*"', "", html)
    for text in ("37.5 %", "+1.2500", "1,257", "0.800", "while reading", "Leaving out position 1 costs most"):
        assert text in html, text


def test_tokens_are_texts() -> None:
    html = page(inspection((HOSTILE, "␣two")))
    assert HOSTILE not in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html


def test_without_keys_there_are_no_words_and_no_attention() -> None:
    html = page(replace(inspection(), words=(), attention=(), method="prefix_plus"))
    assert 'id="words"' not in html
    assert 'id="attention"' not in html
    assert "trains no keys and values of a softmax" in html
    assert html.count("<img ") == 2


@pytest.mark.parametrize("words", [1, None])
def test_other_runs_stand_in_a_table(words: int | None) -> None:
    other = Agreement("ba9876543210", 8, "webnlg", 0.75, None, 1, words, 0.5, None, 0.25)
    html = page(replace(inspection(), agreements=(other,)))
    assert "<code>ba9876543210</code> webnlg" in html
    assert html.count("1 of 2</td>") == (1 if words is None else 2)

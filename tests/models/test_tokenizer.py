"""The paper's sequences: which ids, to the blank; and what becomes of generated ids."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefixrun import data
from prefixrun.models.tokenizer import END_OF_BYTES, Tokenizer, byte_tokenizer, clean_up

END_OF_TEXT = 50256
BLANK = 220
# How GPT-2 cuts a text into pieces before merging, for texts of letters, decimal digits and punctuation.
PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


@pytest.fixture(scope="module")
def files(shared: Path) -> Path:
    directory = shared / "data" / "gpt2_tokenizer"
    if not directory.is_dir():
        pytest.skip("GPT-2's vocab.json and merges.txt are not beside the checkout")
    return directory


@pytest.fixture(scope="module")
def gpt2(files: Path) -> Tokenizer:
    from transformers import GPT2Tokenizer

    return Tokenizer(GPT2Tokenizer.from_pretrained(files))  # type: ignore[arg-type]


class NaiveGPT2:
    """Byte-pair encoding written out: merge the pair of lowest rank until there is none."""

    def __init__(self, files: Path) -> None:
        self.ids: dict[str, int] = json.loads((files / "vocab.json").read_text(encoding="utf-8"))
        lines = (files / "merges.txt").read_text(encoding="utf-8").splitlines()
        merges = [tuple(line.split()) for line in lines if line and not line.startswith("#version")]
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        self.letters = {byte: chr(byte) for byte in printable}
        self.letters |= {byte: chr(256 + place) for place, byte in enumerate(others)}

    def encode(self, text: str) -> Iterator[int]:
        for piece in PIECES.findall(text):
            parts = [self.letters[byte] for byte in piece.encode("utf-8")]
            while len(parts) > 1:
                ranked = [(self.ranks.get(pair, 10**9), place) for place, pair in enumerate(zip(parts, parts[1:]))]  # noqa: B905, RUF007
                rank, place = min(ranked)
                if rank == 10**9:
                    break
                parts[place : place + 2] = [parts[place] + parts[place + 1]]
            yield from (self.ids[part] for part in parts)


def paper_rows(shared: Path) -> list[tuple[str, str]]:
    """(source, target) of the E2E training file in the form that the paper's code reads; targets end with a blank."""
    path = shared / "data" / "e2e" / "prefixtuning_form" / "src1_train.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [tuple(line.removesuffix("\n").split("||")) for _, line in zip(range(40), stream, strict=False)]  # type: ignore[misc]


@pytest.mark.shared
def test_the_first_500_ids_of_e2e(shared: Path, files: Path, gpt2: Tokenizer) -> None:
    """blank source blank END blank target blank END; the target's own last blank makes it two before the end."""
    naive = NaiveGPT2(files)
    ours: list[int] = []
    expected: list[int] = []
    for source, target in paper_rows(shared):
        assert target.endswith(" ")
        ours += [*gpt2.source(source), *gpt2.target(target)]
        expected += [*naive.encode(f" {source}"), BLANK, END_OF_TEXT]
        expected += [*naive.encode(f" {target[:-1]}"), BLANK, BLANK, END_OF_TEXT]
    assert len(ours) > 500
    assert ours[:500] == expected[:500]
    assert ours == expected
    assert ours[:3] == [1438, 1058, 383]  # " name", " :", " The"


@pytest.mark.shared
def test_the_first_500_ids_of_webnlg(shared: Path, files: Path, gpt2: Tokenizer) -> None:
    """Its sources begin with a blank of their own, which stands alone before the bar."""
    naive = NaiveGPT2(files)
    pairs = data.load("webnlg", "dev", shared / "data").all_pairs()[:40]
    ours = [id_ for pair in pairs for id_ in (*gpt2.source(pair.source), *gpt2.target(pair.target))]
    expected = [
        id_
        for pair in pairs
        for text in (pair.source, pair.target)
        for id_ in (*naive.encode(f" {text}"), BLANK, END_OF_TEXT)
    ]
    assert len(ours) > 500
    assert ours[:500] == expected[:500]
    assert ours == expected
    for pair in pairs:
        ids = gpt2.source(pair.source)
        assert (ids[0], ids[-2:]) == (BLANK, [BLANK, END_OF_TEXT])
        assert ids.count(END_OF_TEXT) == 1


@pytest.mark.shared
@pytest.mark.parametrize(
    ("task", "source", "target"), [("webnlg", 49.63, 30.67), ("e2e", 28.49, 26.79), ("dart", 38.29, 27.19)]
)
def test_the_mean_lengths_of_the_training_pairs(
    task: str, source: float, target: float, shared: Path, gpt2: Tokenizer
) -> None:
    """Counted as in Table 1 (ACL): the source without its END, the target with an END on both sides.

    The table has 49.6 and 30.7 for WebNLG; 28.5 and 27.8 for E2E, whose texts end with one more blank in the files of
    the paper's code, so 27.79; for DART 38.8 and 27.3, which no part of v1.1.1 gives.
    """
    pairs = data.load(task, "train", shared / "data").all_pairs()
    sources = {text: len(gpt2.source(text)) - 1 for text in {pair.source for pair in pairs}}
    assert sum(sources[pair.source] for pair in pairs) / len(pairs) == pytest.approx(source, abs=0.005)
    assert sum(1 + len(gpt2.target(pair.target)) for pair in pairs) / len(pairs) == pytest.approx(target, abs=0.005)


@pytest.mark.shared
def test_newlines_and_end_of_gpt2(gpt2: Tokenizer) -> None:
    assert gpt2.newlines() == [198, 628]
    assert gpt2.end == END_OF_TEXT


def test_the_paper_layout() -> None:
    tokenizer = byte_tokenizer()
    assert tokenizer.source("a : b") == [*tokenizer.text(" a : b "), tokenizer.end]
    assert tokenizer.target("c") == [*tokenizer.text(" c "), tokenizer.end]
    assert tokenizer.text(" ") == [tokenizer.source("")[0]]


def test_the_lines_layout() -> None:
    tokenizer = byte_tokenizer("lines")
    assert tokenizer.source("a : b") == tokenizer.text(" a : b\n")
    assert tokenizer.target("c") == [*tokenizer.text("c"), tokenizer.end]
    assert tokenizer.source("a")[-1:] == tokenizer.newlines()


def test_one_id_a_byte_and_one_for_the_end() -> None:
    tokenizer = byte_tokenizer()
    assert tokenizer.end == 256
    assert len({tokenizer.text(chr(code))[0] for code in range(128)}) == 128
    assert len(tokenizer.text("£é")) == 4
    assert tokenizer.newlines() == tokenizer.text("\n")


@given(st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: END_OF_BYTES not in text))
@settings(deadline=None, max_examples=60)
def test_an_output_is_its_text_cleaned_up_on_one_line(text: str) -> None:
    tokenizer = byte_tokenizer()
    written = [*tokenizer.text(f" {text} "), tokenizer.end, *tokenizer.text("never read")]
    assert tokenizer.output(written) == clean_up(" ".join(text.split()))


def test_outputs() -> None:
    tokenizer = byte_tokenizer()
    assert tokenizer.output(tokenizer.target("It 's  a\npub , is n't it ?")) == "It's a pub, isn't it?"
    assert tokenizer.output(tokenizer.text(" no end")) == "no end"
    assert tokenizer.output([tokenizer.end]) == ""
    assert tokenizer.output([]) == ""


@pytest.mark.parametrize(
    ("spaced", "clean"),
    [
        ("a pub . Cheap !", "a pub. Cheap!"),
        ("near , by ?", "near, by?"),
        ("they 're , I 'm , we 've , it 's , is n't", "they're, I'm, we've, it's, isn't"),
        ("family - friendly ; £ 20 : yes", "family - friendly ; £ 20 : yes"),
        ("the guests ' choice", "the guests'choice"),
        ("costs £ 10 .50", "costs £ 10.50"),
    ],
)
def test_clean_up(spaced: str, clean: str) -> None:
    assert clean_up(spaced) == clean


@given(st.lists(st.sampled_from(["a", "t", "s", "n't", "'s", "'m", "'ve", "'re", "'", ".", ",", "?", "!", "-"])))
@settings(deadline=None)
def test_clean_up_is_the_librarys(words: list[str]) -> None:
    text = " ".join(words)
    base: Any = byte_tokenizer().base
    if not hasattr(base, "clean_up_tokenization"):
        pytest.skip("this version of transformers has no such method")
    assert clean_up(text) == base.clean_up_tokenization(text).strip()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("summarize", 1),
        ("table-to-text:", 6),
        ("elephant", 1),
        ("active", 1),
        ("banana", 1),
        ("beautiful", 1),
        ("divide", 1),
        ("keep", 1),
        ("summarization", 2),
    ],
)
def test_the_words_of_figure_5_have_the_papers_lengths(gpt2: Tokenizer, words: str, count: int) -> None:
    assert len(gpt2.text(f" {words}")) == count


@pytest.mark.parametrize("layout", ["paper", "lines"])
@pytest.mark.parametrize("length", [0, 1, 4, 5, 6, 30])
def test_a_long_source_loses_its_end_and_keeps_its_separators(layout: Literal["paper", "lines"], length: int) -> None:
    """The byte tokenizer has a token a byte; the blank before the source is one of the five that are kept."""
    whole = byte_tokenizer(layout)
    limited = replace(whole, max_source_tokens=5)
    source = "abcdefghij" * 3
    assert limited.source(source[:length]) == whole.source(source[: min(length, 4)])
    assert limited.cut_source(source[:length])[1] == (length > 4)
    assert not whole.cut_source(source)[1]
    assert limited.target(source) == whole.target(source)


@pytest.mark.shared
def test_512_tokens_of_an_article_are_what_gpt2_reads_of_it(shared: Path, gpt2: Tokenizer) -> None:
    """Cut or not, the ids are those of the whole article up to the limit, then the lone blank and END."""
    limited = replace(gpt2, max_source_tokens=512)
    articles = [example.source for example in data.load("xsum", "dev", shared / "data", verify=False).examples]
    lengths = [len(gpt2.text(f" {article}")) for article in articles]
    assert min(lengths) < 512 < max(lengths)
    for article, length in zip(articles, lengths, strict=True):
        ids = limited.source(article)
        assert limited.cut_source(article)[1] == (length > 512)
        assert ids == [*gpt2.source(article)[: min(length, 512)], BLANK, END_OF_TEXT]

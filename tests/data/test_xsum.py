"""XSUM: linearisation, and the sections behind the extrapolation tasks."""

from functools import partial
from pathlib import Path

import pytest

from prefixrun.data import xsum
from prefixrun.data.xsum import section_of
from prefixrun.errors import DataError
from xsum_articles import article, write

sports = partial(xsum.load, task="xsum_news_to_sports")
within = partial(xsum.load, task="xsum_within_news")


def test_the_paper_form_has_no_line_breaks(tmp_path: Path) -> None:
    write(tmp_path, [article(7)])
    example = xsum.load(tmp_path, "train", "paper").examples[0]
    assert (example.id, example.source, example.references) == ("7", "Line 7. Second line.", ("Summary 7.",))
    assert xsum.load(tmp_path, "train", "plain").examples[0].source == "Line 7.\nSecond  line."


@pytest.mark.parametrize(
    ("address", "section"),
    [
        ("https://www.bbc.co.uk/news/uk-england-london-12345678", ("news", "uk")),
        ("http://web.archive.org/web/2017/http://www.bbc.co.uk:80/sport/football/123", ("sport", "football")),
        ("http://www.bbc.co.uk/news/entertainment-arts-123", ("news", "entertainment")),
        ("http://www.bbc.co.uk/news/10138849", ("news",)),
        ("http://www.bbc.co.uk/newsround/123", ("newsround",)),
        ("news/business", ("news", "business")),
        ("news/entertainment-arts", ("news", "entertainment")),
        ("http://www.bbc.co.uk/", ()),
        ("http://[news/uk-1", ()),
    ],
)
def test_section_of_an_address(address: str, section: tuple[str, ...]) -> None:
    assert section_of(address) == section


SECTIONS = ["news/uk", "news/business", "news/world-asia-1", "news/health", "sport/golf/2", "newsround/3", "news/4"]


def test_extrapolation_tasks_choose_by_section(tmp_path: Path) -> None:
    articles = [article(number, url=section) for number, section in enumerate(SECTIONS)] + [article(9)]
    for split in ("train", "dev", "test"):
        write(tmp_path, articles, f"{split}.jsonl")

    def chosen(corpus: xsum.Corpus) -> list[str]:
        return [example.id for example in corpus.examples]

    assert chosen(sports(tmp_path, "train", "paper")) == ["0", "1", "2", "3", "6"]
    assert chosen(sports(tmp_path, "dev", "paper")) == ["0", "1", "2", "3", "6"]
    assert chosen(sports(tmp_path, "test", "paper")) == ["4"]
    assert chosen(within(tmp_path, "train", "paper")) == ["0", "1", "2"]
    assert chosen(within(tmp_path, "test", "paper")) == ["3", "6"]
    assert [(left.reason, left.count) for left in sports(tmp_path, "test", "paper").skipped] == [
        ("articles without a section", 1),
        ("articles of other sections", 6),
    ]


def test_no_section_at_all_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, [article(1)])
    with pytest.raises(DataError, match=r"\(0 of 1 articles have a section\); add a field url or section"):
        within(tmp_path, "train", "paper")


@pytest.mark.shared
@pytest.mark.parametrize(("split", "articles"), [("train", 1_110), ("dev", 200), ("test", 3_410)])
def test_counts_of_the_part_at_hand(shared: Path, split: str, articles: int) -> None:
    assert len(xsum.load(shared / "data" / "xsum", split, "paper").examples) == articles


@pytest.mark.shared
def test_sections_of_the_real_extracts(shared: Path) -> None:
    corpus = sports(shared / "data" / "xsum", "test", "paper")
    left = {skipped.reason: skipped.count for skipped in corpus.skipped}
    assert len(corpus.examples) + left["articles of other sections"] + left["articles without a section"] == 3_410
    assert len(corpus.examples) > 50

"""XSUM: articles and one-sentence summaries, whole or split by the BBC's sections for the two extrapolation tasks.

The authors took the section from the article's address (official code, branch master, seq2seq/topic_url_process.py):
``xsum_news_to_sports`` trains on news and tests on sport; ``xsum_within_news`` trains on the UK, business and world
sections and tests on every other section of the news. Each of our splits comes from the official split of that name.
The authors' test parts must have come from a larger pool (a later version of the script draws 8,000 test articles, more
than the official test split has of sport), and their sizes are not published.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from prefixrun.data.example import Corpus, Example, Skipped
from prefixrun.data.text_io import one_line
from prefixrun.data.xsum_files import Article, read, with_sections
from prefixrun.errors import DataError

TRAINING_SECTIONS = (("news", "uk"), ("news", "business"), ("news", "world"))


def load(directory: Path, split: str, linearisation: str, task: str = "xsum") -> Corpus:
    """One split of ``xsum``, ``xsum_news_to_sports`` or ``xsum_within_news``.

    ``paper`` puts the article on one line, as the files of the paper's code have it; ``plain`` keeps its line breaks.

    Raises:
        DataError: anything missing or malformed; for the extrapolation tasks also when no article has a section.
    """
    articles, file = read(directory, split)
    skipped: tuple[Skipped, ...] = ()
    if task != "xsum":
        articles, skipped = _of_sections(with_sections(articles, directory), split, task, f"{directory}/{file.name}")
    examples = tuple(
        Example(
            article.id, one_line(article.document) if linearisation == "paper" else article.document, (article.summary,)
        )
        for article in articles
    )
    empty = sum(not article.document for article in articles)
    return Corpus(task, split, examples, (file,), skipped, empty_inputs=empty)


def section_of(address: str) -> tuple[str, ...]:
    """Section of an article from its address, or from a section already written ``news/uk``.

    ``.../news/uk-england-london-12345`` is ``("news", "uk")``, ``.../sport/football/12345`` is
    ``("sport", "football")`` and ``.../news/12345`` only ``("news",)``. An address inside the web archive
    counts as the original address inside it.
    """
    original = address[address.rfind("http") :] if "http" in address else address
    try:
        path = urlsplit(original).path if original.startswith("http") else original
    except ValueError:  # no address, such as one with a bracket that is left open
        return ()
    parts = [part for part in path.split("/") if part]
    if parts:
        last = parts.pop()
        # ``uk-england-london-12345`` belongs to ``uk``; a number alone names the article only.
        parts += [] if last.isdigit() else [last.split("-")[0]]
    return tuple(parts[:2])


def _of_sections(
    articles: list[Article], split: str, task: str, where: str
) -> tuple[list[Article], tuple[Skipped, ...]]:
    """The articles whose section belongs to this split of the task, and what was left out."""
    with_section = [article for article in articles if article.section]
    chosen = [article for article in with_section if _belongs(section_of(article.section), split, task)]
    if not chosen:
        raise DataError(
            f"{where}: no article of a section that {task}/{split} wants ({len(with_section)} of {len(articles)} "
            "articles have a section); add a field url or section to the records, or put xsum-extracts.tar.gz beside "
            "the file"
        )
    counts = {
        "articles without a section": len(articles) - len(with_section),
        "articles of other sections": len(with_section) - len(chosen),
    }
    return chosen, tuple(Skipped(reason, count) for reason, count in counts.items() if count)


def _belongs(section: tuple[str, ...], split: str, task: str) -> bool:
    desk = section[0] if section else ""
    if task == "xsum_news_to_sports":
        return desk == ("sport" if split == "test" else "news")
    return desk == "news" and (section in TRAINING_SECTIONS) == (split != "test")

"""Where the corpora are published: every entry is complete, unknown names are refused."""

import pytest

from prefixrun.data.publications import ALTERNATIVES, PUBLICATIONS, Publication, publication
from prefixrun.errors import ConfigError


def test_a_task_without_a_publication_is_refused() -> None:
    with pytest.raises(ConfigError, match="task=mine: nothing to download; there are e2e, webnlg, dart, xsum"):
        publication("mine")


def test_a_place_that_a_corpus_does_not_have_is_refused() -> None:
    assert publication("xsum", "archive").sources[0].name == "xsum.tar.gz"
    with pytest.raises(ConfigError, match=r"source=hub: xsum has no such source; give source=archive, or leave"):
        publication("xsum", "hub")
    with pytest.raises(ConfigError, match=r"source=archive: e2e has no such source; leave it out"):
        publication("e2e", "archive")


PUBLISHED = [*PUBLICATIONS.values(), *(other for others in ALTERNATIVES.values() for other in others.values())]


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_every_publication_names_a_licence_and_secure_addresses(corpus: Publication) -> None:
    assert corpus.licence
    assert bool(corpus.sources) != bool(corpus.dataset and corpus.by_hand)
    assert all(source.url.startswith("https://") for source in corpus.sources)

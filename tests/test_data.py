"""The common loader: unknown names and missing corpora are refused with what there is."""

from pathlib import Path

import pytest

from prefixrun.data import load
from prefixrun.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("task", "split", "message"),
    [
        ("poems", "test", "task: no 'poems'; there are e2e, e2e_cleaned, webnlg, webnlg_2020, dart, xsum"),
        ("../e2e", "test", r"task: no '\.\./e2e'"),
        ("e2e", "test_6959", "split: e2e has no 'test_6959'; it has train, dev, test"),
    ],
)
def test_unknown_names(tmp_path: Path, task: str, split: str, message: str) -> None:
    (tmp_path / "e2e").mkdir()
    with pytest.raises(ConfigError, match=message):
        load(task, split, tmp_path / "data")


def test_unknown_linearisation() -> None:
    with pytest.raises(ConfigError, match=r"task\.linearisation: no 'json'; there are paper, plain"):
        load("e2e", "dev", None, linearisation="json")


def test_missing_corpus_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"e2e: no such directory; put the corpus there or set data_dir"):
        load("e2e", "dev", tmp_path)

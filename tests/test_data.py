"""The common loader: unknown names and missing corpora are refused with what there is."""

from pathlib import Path

import pytest

from prefixrun.data import load
from prefixrun.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("task", "split", "linearisation", "error", "message"),
    [
        (
            "poems",
            "test",
            None,
            ConfigError,
            "task: no 'poems'; there are e2e, e2e_cleaned, webnlg, webnlg_2020, dart, xsum",
        ),
        ("../e2e", "test", None, ConfigError, r"task: no '\.\./e2e'"),
        ("e2e", "test_6959", None, ConfigError, "split: e2e has no 'test_6959'; it has train, dev, test"),
        ("e2e", "dev", "json", ConfigError, r"task\.linearisation: no 'json'; there are paper, plain"),
        (
            "e2e",
            "dev",
            "paper",
            DataError,
            "put the corpus there, or give the data_dir that holds e2e/",
        ),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    tmp_path: Path, task: str, split: str, linearisation: str | None, error: type[Exception], message: str
) -> None:
    (tmp_path / "e2e").mkdir()
    named = {} if linearisation is None else {"linearisation": linearisation}
    with pytest.raises(error, match=message):
        load(task, split, tmp_path / "data", **named)

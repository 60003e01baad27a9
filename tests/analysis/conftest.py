"""Records of every kind, for what is made from them."""

from pathlib import Path

import pytest

from synthetic_records import write_runs


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few records of every kind: sizes, lengths, initialisations, methods, three seeds each."""
    directory = tmp_path_factory.mktemp("results")
    for size in (50, 100):
        for method, init in (("prefix", "words"), ("prefix", "random"), ("finetune", "words")):
            write_runs(directory, method, 0.5, train_size=size, **{"init.name": init})
    for words in ("active", "keep"):
        write_runs(directory, "prefix", 0.5, train_size=100, init_words=words)
    for method in ("prefix", "finetune", "adapter"):
        write_runs(directory, method, 0.5, **{"task.name": "webnlg"})
    write_runs(directory, "prefix", 0.5, data_fraction=0.1)
    write_runs(directory, "prefix", 0.5)
    write_runs(directory, "prefix", 0.5, prefix_len=5)
    return directory

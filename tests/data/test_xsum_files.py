"""The packagings of XSUM, and what is refused."""

import json
import shutil
from functools import partial
from pathlib import Path

import datasets
import pyarrow
import pytest
from pyarrow import parquet

from closed_paths import unreadable
from prefixrun.data import xsum
from prefixrun.errors import DataError
from xsum_articles import article, pack_extracts, write

within = partial(xsum.load, task="xsum_within_news")


def test_sections_come_from_the_original_extracts_where_records_have_none(tmp_path: Path) -> None:
    write(tmp_path, [article(1), article(2, section="news/uk"), article(3)])
    pack_extracts(tmp_path, {"1": "[XSUM]URL[XSUM]\nhttp://www.bbc.co.uk/news/world-1\n\n[XSUM]INTRODUCTION[XSUM]\n"})
    assert [example.id for example in within(tmp_path, "train", "paper").examples] == ["1", "2"]


def test_other_extracts_are_refused(tmp_path: Path) -> None:
    write(tmp_path, [article(1)])
    pack_extracts(tmp_path, {"1": "http://www.bbc.co.uk/news/world-1"})
    with pytest.raises(DataError, match=r"1\.data:1: an extract starts with \[XSUM\]URL"):
        within(tmp_path, "train", "paper")


def test_line_aligned_files(tmp_path: Path) -> None:
    (tmp_path / "val.source").write_text("One.\nTwo.\n")
    (tmp_path / "val.target").write_text("1\n2\n")
    corpus = xsum.load(tmp_path, "dev", "paper")
    assert [(x.id, x.source, x.references) for x in corpus.examples] == [
        ("dev-00000", "One.", ("1",)),
        ("dev-00001", "Two.", ("2",)),
    ]
    (tmp_path / "val.target").write_text("1\n")
    with pytest.raises(DataError, match=r"val\.target: 1 line where val\.source has 2"):
        xsum.load(tmp_path, "dev", "paper")


def test_hugging_face_directories(tmp_path: Path) -> None:
    """Parquet as on the hub, Arrow as ``save_to_disk`` writes it, Arrow as the cache of ``datasets`` names it."""
    whole = datasets.Dataset.from_list([article(number) for number in range(4)])
    datasets.disable_progress_bars()
    try:
        (tmp_path / "hub").mkdir()
        for part in range(2):
            whole.shard(2, part, contiguous=True).to_parquet(tmp_path / "hub" / f"validation-0000{part}.parquet")
        datasets.DatasetDict(validation=whole).save_to_disk(tmp_path / "disk", num_shards={"validation": 2})
    finally:
        datasets.enable_progress_bars()
    (tmp_path / "cache").mkdir()
    for part, file in enumerate(sorted((tmp_path / "disk" / "validation").glob("*.arrow"))):
        shutil.copy(file, tmp_path / "cache" / f"xsum-validation-0000{part}-of-00002.arrow")
    corpora = [xsum.load(tmp_path / form, "dev", "paper") for form in ("hub", "disk", "cache")]
    assert corpora[0].examples == corpora[1].examples == corpora[2].examples
    assert [example.id for example in corpora[0].examples] == ["0", "1", "2", "3"]
    assert [corpus.files[0].records for corpus in corpora] == [4, 4, 4]


@pytest.mark.parametrize("name", ["train-0.parquet", "train/data-0.arrow"])
def test_damaged_tables_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"not a table at all")
    with pytest.raises(
        DataError, match=r"0\.(parquet|arrow): \w+: .*; it is no readable (parquet|arrow) file: copy it again"
    ):
        xsum.load(tmp_path, "train", "paper")


@pytest.mark.parametrize("metadata", ["{", '{"info": 3}', '{"info": {"features": {"document": {"_type": "Value"}}}}'])
def test_tables_with_a_damaged_description_are_refused(tmp_path: Path, metadata: str) -> None:
    table = pyarrow.table({"document": ["a"], "summary": ["b"]}).replace_schema_metadata({"huggingface": metadata})
    with (
        pyarrow.OSFile(str(tmp_path / "xsum-test.arrow"), "wb") as file,
        pyarrow.ipc.new_stream(file, table.schema) as stream,
    ):
        stream.write_table(table)
    with pytest.raises(DataError, match=r"xsum-test\.arrow: \w+: .*; it is no readable arrow file"):
        xsum.load(tmp_path, "test", "paper")


def test_a_table_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test-0.parquet"
    parquet.write_table(pyarrow.table({"document": ["a"], "summary": ["b"]}), path)
    with unreadable(path), pytest.raises(DataError, match=r"test-0\.parquet: cannot be read \(Permission denied\)"):
        xsum.load(tmp_path, "test", "paper")


def test_text_of_a_table_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    broken = pyarrow.array([b"caf\xe9"]).cast(pyarrow.string(), safe=False)
    parquet.write_table(pyarrow.table({"document": broken, "summary": ["a"]}), tmp_path / "test-0.parquet")
    with pytest.raises(DataError, match=r"test-0\.parquet: .*; it is no readable parquet file"):
        xsum.load(tmp_path, "test", "paper")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([article(1), article(1)], "2: id '1' stands there twice"),
        ([{"id": "1", "document": "a"}], "1: no 'summary', only document, id"),
        ([article(1), {"id": "2", "document": "a", "summary": " "}], "2: the summary is empty"),
        ([article(1), {"id": "2", "document": "\n", "summary": "b"}], "2: the document is empty; remove the record"),
        ([{"id": "", "document": "a", "summary": "b"}], "1: id: is empty; give every record an id, or none"),
        ([{"id": "1", "document": ["a"], "summary": "b"}], "1: document: a string is expected, not a list"),
    ],
)
def test_malformed_records(tmp_path: Path, records: list[dict[str, str]], message: str) -> None:
    path = write(tmp_path, records)
    with pytest.raises(DataError) as caught:
        xsum.load(tmp_path, "train", "paper")
    assert str(caught.value).startswith(f"{path}:{message}")


def test_an_empty_document_of_a_copy_with_the_counts_of_the_release_is_kept_and_counted(tmp_path: Path) -> None:
    whole = "line\n" * 11_331
    (tmp_path / "val.source").write_text(f"\n{whole}")
    (tmp_path / "val.target").write_text(f"a\n{whole}")
    corpus = xsum.load(tmp_path, "dev", "paper")
    assert (len(corpus.examples), corpus.examples[0].source, corpus.empty_inputs) == (11_332, "", 1)
    (tmp_path / "val.source").write_text("x\n\n")
    (tmp_path / "val.target").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"val\.source:2 and val\.target:2: the document is empty"):
        xsum.load(tmp_path, "dev", "paper")


def test_a_line_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(article(1)) + '\n{"id": "2", "docu')
    with pytest.raises(DataError, match=r"train\.jsonl:2: not JSON"):
        xsum.load(tmp_path, "train", "paper")

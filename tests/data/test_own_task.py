"""Own tasks: which columns make an example, in whatever form the rows are stored."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from checkout import python
from prefixrun.config.schema import TaskConfig
from prefixrun.data import load, own_task, tables
from prefixrun.errors import ConfigError, DataError

TEXT = st.text(min_size=1).map(str.strip).filter(bool)
Rows = Sequence[Mapping[str, Any]]


def lines(rows: Rows, separator: str) -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in [list(rows[0]), *(row.values() for row in rows)])


def write_json(path: Path, rows: Rows) -> None:
    path.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_csv(path: Path, rows: Rows) -> None:
    path.with_suffix(".csv").write_text(lines(rows, ","), encoding="utf-8-sig")


def write_csv_of_a_spreadsheet(path: Path, rows: Rows) -> None:
    path.with_suffix(".csv").write_bytes(lines(rows, ";").replace("\n", "\r\n").encode())


def write_zipped_csv(path: Path, rows: Rows) -> None:
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(lines(rows, ",").encode()))


def write_tsv(path: Path, rows: Rows) -> None:
    path.with_suffix(".tsv").write_text(lines(rows, "\t"), encoding="utf-8")


def write_parquet(path: Path, rows: Rows) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path.with_suffix(".parquet"))


def write_shards(path: Path, rows: Rows) -> None:
    for number, row in enumerate(rows):
        write_parquet(path.with_name(f"{path.name}-{number:05d}-of-{len(rows):05d}"), [row])


def save(path: Path, rows: Rows) -> None:
    Dataset.from_list(list(rows)).save_to_disk(path)


FORMS = (write_json, write_csv, write_csv_of_a_spreadsheet, write_zipped_csv, write_tsv, write_parquet)


@pytest.mark.parametrize("write", [*FORMS, write_shards, save])
def test_every_form_gives_the_same_examples(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    rows = [{"in": "ä", "out": "A", "more": "x", "no": "7"}, {"in": "b", "out": "B", "more": "", "no": "8"}]
    write(tmp_path / "dev", rows)
    own = TaskConfig(name="own", source_column="in", reference_columns="out,more", id_column="no")
    corpus = own_task.load(tmp_path, "dev", own)
    assert [(x.id, x.source, x.references) for x in corpus.examples] == [("7", "ä", ("A", "x")), ("8", "b", ("B",))]
    (file,) = corpus.files
    assert (len(file.sha256), file.records) == (64, 2)
    assert str(tmp_path) not in file.name


def examples_of(directory: Path, rows: Rows, **settings: Any) -> list[tuple[str, str, tuple[str, ...], str]]:
    write_json(directory / "train", rows)
    found = own_task.load(directory, "train", TaskConfig(name="own", **settings)).examples
    return [(example.id, example.source, example.references, example.group) for example in found]


ONE, TWO = "train-00000", "train-00001"


@pytest.mark.parametrize(
    ("rows", "settings", "expected"),
    [
        (
            [
                {"source": "a", "target": "A"},
                {"source": "b", "references": ["B", "c"], "id": "x", "group": "g", "n": 3},
            ],
            {},
            [(ONE, "a", ("A",), ""), ("x", "b", ("B", "c"), "g")],
        ),
        ([{"source": "a", "target": "A", "id": 7, "group": 2}], {}, [("7", "a", ("A",), "2")]),
        ([{"source": "a", "target": "A", "id": 7, "group": " x "}], {}, [("7", "a", ("A",), "x")]),
        (
            [{"source": "a", "out, in": "A"}],
            {"reference_columns": "out, in"},  # a column with a comma in its name
            [(ONE, "a", ("A",), "")],
        ),
        (
            [{"source": "a", "o": ["A", "", "B"], "p": "A"}],
            {"reference_columns": "o, p"},
            [(ONE, "a", ("A", "B"), "")],
        ),
        (
            [{"source": s, "target": t} for s, t in ("aA", "bB", "aC")],
            {"merge_rows": True},
            [(ONE, "a", ("A", "C"), ""), (TWO, "b", ("B",), "")],
        ),
        (
            [{"source": "a", "target": t, "id": i, "kind": k} for t, i, k in ("A1x", "B2y", "C3x")],
            {"merge_rows": True, "group_column": "kind"},
            [("1", "a", ("A", "C"), "x"), ("2", "a", ("B",), "y")],
        ),
    ],
)
def test_columns_make_examples(tmp_path: Path, rows: Rows, settings: dict[str, Any], expected: list[Any]) -> None:
    assert examples_of(tmp_path, rows, **settings) == expected


@given(st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=5))
def test_any_texts_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str]]]) -> None:
    directory = tmp_path_factory.mktemp("own")
    found = examples_of(directory, [{"source": source, "references": texts} for source, texts in rows])
    assert [(source, list(texts)) for _, source, texts, _ in found] == rows


def test_a_merged_row_must_have_an_id_of_its_input(tmp_path: Path) -> None:
    rows = [{"source": s, "target": t, "id": 1} for s, t in ("aA", "bB")]
    with pytest.raises(DataError, match="id '1' was already used"):
        examples_of(tmp_path, rows, merge_rows=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.jsonl", '{"source": "a", "target": "A"}\n{"source": "b"', ":2: not JSON"),
        ("train.jsonl", "[1]", ":1: an object is expected, not a list"),
        ("train.jsonl", '{"target": "A"}', ":1: no 'source', only target; add it, or name the one that is meant"),
        ("train.jsonl", '{"source": "a"}', ":1: give either target"),
        ("train.jsonl", '{"source": "a", "target": "A", "references": ["A"]}', ":1: give either target"),
        ("train.jsonl", '{"source": "a", "references": []}', ":1: the source or a reference is empty"),
        ("train.jsonl", '{"source": "a", "references": ["A", " "]}', ":1: the source or a reference is empty"),
        ("train.jsonl", '{"source": " ", "target": "A"}', ":1: the source or a reference is empty"),
        ("train.jsonl", '{"source": "a", "target": 3}', ":1: target: a string is expected, not a number"),
        ("train.jsonl", '{"source": "a", "target": "A", "id": 3.5}', ":1: id: a string is expected, not a number"),
        ("train.jsonl", '{"source": "a", "target": "A", "id": " "}', ":1: id: is empty; give every record an id"),
        ("train.jsonl", '{"source": "a", "target": "A", "source": "b"}', ":1: the key 'source' stands twice"),
        ("train.jsonl", r'{"source": "\ud800", "target": "A"}', ':1: "\\ud800" holds half of a surrogate pair'),
        ("train.jsonl", '{"source": "a", "target": "A", "id": "x"}\n' * 2, ":2: id 'x' was already used"),
        ("train.jsonl", "\n \n", ": no line with an example in it"),
        ("train.csv", "source,target\n", ":1: no line with an example in it"),
        ("train.csv", "input,target\na,A\n", ":1: no 'source', only input, target; add it, or name the one that is "),
        ("train.csv", "source,text\na,A\n", ":1: give either target"),
        ("train.csv", "source,target,target\na,A,B\n", ":1: two columns have the name 'target'"),
        ("train.csv", 'source,target\n"a\nb",A\nc,C,D\n', ":4: 3 cells where the header has 2"),
        ("train.csv", "source,target\na,A\n\nb\n", ":4: 1 cell where the header has 2"),
        ("train.csv", "source,target\na,A\nb,\n", ":3: the source or a reference is empty"),
        ("train.csv", 'source,target\na,A\nb,"B" b\n', ":3: broken row"),
        ("train.csv", 'source,target\na,A\nb,"B\n', ":3: broken row (unexpected end of data)"),
        ("train.csv", "source,target,id\na,A,x\nb,B,x\n", ":3: id 'x' was already used"),
        ("train.csv", "source,target\na,\xff\n".encode("latin-1"), ":2: byte 0xff is not UTF-8"),
        ("train.csv", "source,target,group\na,A,all\n", ":2: the group 'all', which is the name of all inputs"),
        ("train.csv", b"", ": the file is empty"),
        ("train.parquet", b"PAR1 no", ": "),
        ("train.parquet", b"\x1f\x8b", ": is compressed with gzip"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        own_task.load(tmp_path, "train", TaskConfig(name="own"))
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"source": [1], "target": ["A"]}, "row 1: source: a string is expected, not a number"),
        ({"source": [b"a"], "target": ["A"]}, "row 1: source: a string is expected, not a value of the type bytes"),
        ({"source": ["a"], "target": [{"text": "A"}]}, "row 1: target: a string is expected, not an object"),
        ({"source": ["a", None], "target": ["A", "B"]}, "row 2: the source or a reference is empty"),
        ({"source": ["a"], "references": [[]]}, "row 1: the source or a reference is empty"),
    ],
)
@pytest.mark.parametrize("write", [write_parquet, save])
def test_columns_of_other_types(
    tmp_path: Path, write: Callable[[Path, Rows], None], values: dict[str, list[Any]], said: str
) -> None:
    write(tmp_path / "train", pyarrow.table(values).to_pylist())
    with pytest.raises(DataError, match=said):
        own_task.load(tmp_path, "train", TaskConfig(name="own"))


def test_a_missing_part_says_what_is_there(tmp_path: Path) -> None:
    write_csv(tmp_path / "training", [{"source": "a", "target": "A"}])
    with pytest.raises(DataError, match=r"only training\.csv; copy the file there, or .* task\.train_split=NAME"):
        own_task.load(tmp_path, "train", TaskConfig(name="own"))
    assert own_task.load(tmp_path, "train", TaskConfig(name="own", train_split="training")).split == "train"


def test_the_development_part_may_be_called_validation(tmp_path: Path) -> None:
    write_csv(tmp_path / "validation", [{"source": "a", "target": "A"}])
    (example,) = own_task.load(tmp_path, "dev", TaskConfig(name="own")).examples
    assert example.id == "dev-00000"


def test_an_own_task_is_a_directory_of_data_dir(tmp_path: Path) -> None:
    (tmp_path / "riddles").mkdir()
    write_json(tmp_path / "riddles" / "test", [{"source": "a", "target": "A"}])
    corpus = load("riddles", "test", tmp_path)
    assert (corpus.task, corpus.split, corpus.pairs) == ("riddles", "test", 1)
    with pytest.raises(ConfigError, match="an own task is a directory of that name in data_dir"):
        load("puzzles", "test", tmp_path)


def test_the_papers_tasks_have_no_columns_to_name() -> None:
    with pytest.raises(ConfigError, match=r"task\.source_column: is for own tasks"):
        load("e2e", "test", None, config=TaskConfig(name="e2e", source_column="mr"))


def test_a_data_set_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {name: Dataset.from_list([{"source": name, "target": "A", "id": 4}]) for name in ("train", "validation")}
    asked: list[tuple[Any, ...]] = []

    def load_dataset(name: str, config: str | None, revision: str | None) -> dict[str, Dataset]:
        asked.append((name, config, revision))
        return parts

    tables._from_hub.cache_clear()
    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    own = TaskConfig(name="own", dataset="someone/dishes", dataset_config="en", dataset_revision="main")
    corpora = [load("own", split, None, config=own) for split in ("train", "dev")]
    assert [corpus.examples[0].source for corpus in corpora] == ["train", "validation"]
    assert asked == [("someone/dishes", "en", "main")]
    assert corpora[1].files[0].name == "someone/dishes/validation"
    with pytest.raises(DataError, match=r"has no part test, only train, validation; .* task\.test_split"):
        load("own", "test", None, config=own)
    tables._from_hub.cache_clear()


def test_without_the_hub_a_name_that_is_not_cached_is_refused(tmp_path: Path) -> None:
    code = (
        "from prefixrun.config.schema import TaskConfig\nfrom prefixrun.data import load\n"
        "load('own', 'train', None, config=TaskConfig(name='own', dataset='someone/dishes'))"
    )
    done = python("-c", code, cwd=tmp_path, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path), HOME=str(tmp_path))
    assert "DataError: task.dataset=someone/dishes: " in done.stderr
    assert "save the data set elsewhere with its save_to_disk, copy it to data_dir/NAME/" in done.stderr


def test_a_directory_is_no_name_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "someone" / "dishes").mkdir(parents=True)
    with pytest.raises(DataError, match="is a file or directory here, not a name on the hub; give data_dir=DIR"):
        load("own", "train", None, config=TaskConfig(name="own", dataset="someone/dishes"))

"""Own tasks as JSON lines."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import jsonl, load
from prefixrun.errors import DataError

TEXT = st.text(min_size=1).map(str.strip).filter(bool)


def write(directory: Path, *lines: str, name: str = "train.jsonl") -> Path:
    path = directory / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_target_and_references(tmp_path: Path) -> None:
    write(
        tmp_path,
        '{"source": "a", "target": "A"}',
        "",
        '{"source": "b", "references": ["B", "bee"], "id": "mine", "group": "letters", "note": 3}',
    )
    examples = jsonl.load(tmp_path, "train", "own").examples
    assert [(x.id, x.source, x.references, x.group) for x in examples] == [
        ("train-00000", "a", ("A",), ""),
        ("mine", "b", ("B", "bee"), "letters"),
    ]


def test_an_own_task_is_a_directory_of_data_dir(tmp_path: Path) -> None:
    (tmp_path / "riddles").mkdir()
    write(tmp_path / "riddles", '{"source": "a", "target": "A"}', name="test.jsonl")
    corpus = load("riddles", "test", tmp_path)
    assert (corpus.task, corpus.split, corpus.pairs) == ("riddles", "test", 1)


@given(st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=5))
def test_any_texts_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str]]]) -> None:
    directory = tmp_path_factory.mktemp("own")
    write(directory, *(json.dumps({"source": source, "references": texts}) for source, texts in rows))
    examples = jsonl.load(directory, "train", "own").examples
    assert [(x.source, list(x.references)) for x in examples] == rows


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"source": "a", "target": "A"}', '{"source": "b"'], "2: not JSON"),
        (["[1]"], "1: an object is expected, not a list"),
        (['{"target": "A"}'], "1: no 'source', only target"),
        (['{"source": "a"}'], "1: give either target"),
        (['{"source": "a", "target": "A", "references": ["A"]}'], "1: give either target"),
        (['{"source": "a", "references": []}'], "1: the source or a reference is empty"),
        (['{"source": "a", "references": ["A", " "]}'], "1: the source or a reference is empty"),
        (['{"source": " ", "target": "A"}'], "1: the source or a reference is empty"),
        (['{"source": "a", "references": "A"}'], "1: references: a list is expected, not a string"),
        (['{"source": "a", "target": 3}'], "1: reference: a string is expected, not a number"),
        (['{"source": "a", "target": "A", "id": 3}'], "1: id: a string is expected, not a number"),
        (['{"source": "a", "target": "A", "id": " "}'], "1: id: is empty; give every record an id, or none"),
        (['{"source": "a", "target": "A"}', '{"source": "a", "target": "A", "source": "b"}'], "2: the key 'source'"),
        (['{"source": "a", "target": "A"}', r'{"source": "\ud800", "target": "A"}'], '2: "\\ud800" holds half'),
        (['{"source": "a", "target": "A", "id": "x"}'] * 2, "2: id 'x' was already used"),
    ],
)
def test_malformed_lines(tmp_path: Path, lines: list[str], message: str) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(DataError) as caught:
        jsonl.load(tmp_path, "train", "own")
    assert str(caught.value).startswith(f"{path}:{message}")


def test_blank_lines_alone_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "", " ")
    with pytest.raises(DataError, match="no line with an example in it") as caught:
        jsonl.load(tmp_path, "train", "own")
    assert str(caught.value).startswith(f"{path}: ")

"""Outputs and inputs are brought together in the right order, or it is said which line does not fit."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.errors import DataError
from prefixrun.metrics.system_outputs import Outputs, Target, read_outputs

TARGET = Target("e2e test", [["x"], ["y"], ["z"]], ids=("t-0", "t-1", "t-2"))
PATH = Path("hyp.jsonl")


def test_ids_decide_the_order_where_both_sides_have_them() -> None:
    assert TARGET.line_up(Outputs(PATH, ("c", "a", "b"), ("t-2", "t-0", "t-1"))) == ["a", "b", "c"]
    assert TARGET.line_up(Outputs(PATH, ("c", "a", "b"))) == ["c", "a", "b"]
    bare = Target("references of refs.json", TARGET.references)
    assert bare.line_up(Outputs(PATH, ("c", "a", "b"), ("t-2", "t-0", "t-1"))) == ["c", "a", "b"]


def test_ids_may_be_numbers_as_in_the_files_of_an_own_task(tmp_path: Path) -> None:
    (tmp_path / "hyp.jsonl").write_text('{"id": 2, "output": "b"}\n{"id": 1, "output": "a"}\n', encoding="utf-8")
    assert Target("mine test", [["x"], ["y"]], ids=("1", "2")).line_up(read_outputs(tmp_path / "hyp.jsonl")) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("texts", "ids", "said"),
    [
        ("aaa", ("t-0", "t-1", "u-2"), "3: id 'u-2' is no input of e2e test, whose ids are like 't-0'"),
        ("a", ("t-2",), " 1 output for 3 inputs .e2e test.; 't-0' is the first of 2 ids without a line"),
        ("ab", None, "2: 2 outputs for 3 inputs .e2e test.; the file ends here"),
        ("abcd", None, "4: 4 outputs for 3 inputs .e2e test.; 1 too many from this line on, some with text"),
        (
            ("a", "b", "c", "", ""),
            None,
            "4: 5 outputs for 3 inputs .e2e test.; 2 too many from this line on, all empty",
        ),
    ],
)
def test_lines_that_do_not_fit_the_inputs(texts: Sequence[str], ids: tuple[str, ...] | None, said: str) -> None:
    with pytest.raises(DataError, match=f"hyp.jsonl:{said}"):
        TARGET.line_up(Outputs(PATH, tuple(texts), ids))


def test_lines_for_records_that_were_left_out_are_dropped() -> None:
    target = Target("dart test", [["x"], ["y"]], left_out=(0, 2))
    assert target.line_up(Outputs(PATH, ("", "a", "skipped", "b"))) == ["a", "b"]
    assert target.line_up(Outputs(PATH, ("a", "b"))) == ["a", "b"]
    with pytest.raises(DataError, match=r"hyp.jsonl:3: 3 outputs for 2 or 4 inputs"):
        target.line_up(Outputs(PATH, ("a", "b", "c")))


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"output": "b"}, '2: has no "id", but other lines have'),
        ({"output": "b", "id": 2.5}, "2: id: a string is expected, not a number"),
        ({"output": "b", "id": ""}, "2: id: is empty; give every record an id, or none"),
        ({"output": "b", "id": "t-0"}, "2: id 't-0' was already used in line 1; one output an input"),
    ],
)
def test_ids_that_do_not_name_one_input_each(tmp_path: Path, second: dict[str, object], said: str) -> None:
    path = tmp_path / "hyp.jsonl"
    path.write_text(json.dumps({"id": "t-0", "output": "a"}) + "\n" + json.dumps(second), encoding="utf-8")
    with pytest.raises(DataError, match=f"hyp.jsonl:{said}"):
        read_outputs(path)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n\r")), min_size=1))
def test_lines_end_at_the_line_feed_alone(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Texts hold other separators (U+2028, form feeds), and these must not shift the lines."""
    path = tmp_path_factory.mktemp("outputs") / "hyp.txt"
    path.write_bytes("".join(text + "\n" for text in ["first", *texts]).encode())
    assert read_outputs(path).texts == ("first", *texts)


def test_a_file_that_names_its_inputs_must_have_them_in_their_order(tmp_path: Path) -> None:
    mrs = ("name[Aromi], eatType[pub]", "name[Cocum], food[Thai]")
    target = Target("e2e test", [["x"], ["y"]], sources=("name : Aromi | Type : pub", "name : Cocum | food : Thai"))
    path = tmp_path / "hyp.tsv"
    for order in ((0, 1), (1, 0)):
        path.write_text("MR\toutput\n" + "".join(f"{mrs[index]}\tText {index}.\n" for index in order))
        if order == (0, 1):
            assert target.line_up(read_outputs(path)) == ["Text 0.", "Text 1."]
        else:
            with pytest.raises(DataError, match=r"hyp.tsv: output 1 has the MR of input 2 of e2e test"):
                target.line_up(read_outputs(path))
    path.write_text("MR\toutput\nof another corpus\tText 0.\nname[X]\tText 1.\n")
    assert target.line_up(read_outputs(path)) == ["Text 0.", "Text 1."]

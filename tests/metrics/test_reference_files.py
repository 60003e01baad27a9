"""References in every form that they are passed on in; what is wrong is named with its line."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefixrun.errors import DataError, PrefixrunError
from prefixrun.metrics.reference_files import read_references
from prefixrun.metrics.system_outputs import read_outputs

TWO = [["a b", "c"], ["d"]]
FORMS: Mapping[str, tuple[Mapping[str, str], str, list[list[str]]]] = {
    "list": ({"r.json": json.dumps(TWO)}, "r.json", TWO),
    "padded list": ({"r.json": json.dumps([["a b", "c", ""], ["d", " ", ""]])}, "r.json", TWO),
    "blocks": ({"r.txt": "a b\nc\n\nd\n"}, "r.txt", TWO),
    "blocks of Windows, blank lines at the end": ({"r.txt": "\ufeffa b\r\nc\r\n\r\nd\r\n\r\n\r\n"}, "r.txt", TWO),
    "one a line": ({"r.txt": "a b\nd\n"}, "r.txt", [["a b"], ["d"]]),
    "a bracket": ({"r.txt": "[A] b\n{d}\n"}, "r.txt", [["[A] b"], ["{d}"]]),
    "other line ends are text": ({"r.txt": "a\u2028b\x85\nd\x0c\n"}, "r.txt", [["a\u2028b\x85"], ["d\x0c"]]),
    "directory": ({"reference0": "a b\nd\n", "reference1": "c\n\n"}, ".", TWO),
    "beginning": ({"x.ref0": "a b\nd\n", "x.ref1": "c\n\n", "y": ""}, "x.ref", TWO),
    "ten": ({f"r{n}.lex": f"{n}\n" for n in range(11)}, "r", [[str(n) for n in range(11)]]),
    "pattern": ({"a_1.txt": "a b\nd\n", "a_2.txt": "c\n\n"}, "a_?.txt", TWO),
}


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8", newline="")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read(tmp_path: Path, form: str) -> None:
    files, name, references = FORMS[form]
    write(tmp_path, files)
    assert read_references(tmp_path / name) == references


def test_names_between_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"one": "a b\nd\n", "two": "c\n\n"})
    assert read_references(Path("one,two")) == TWO
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_references(Path("~/one,~/two").expanduser()) == TWO


@pytest.mark.parametrize(
    ("files", "name", "said"),
    [
        ({"reference0": "a\nb\n", "reference1": "a\n"}, ".", "reference1:1: 1 line where reference0 has 2"),
        ({"reference0": "a\n\n", "reference1": "a\n\n"}, ".", "reference0:2: no text in this line of any file"),
        ({"reference0": "a\n", "reference2": "a\n"}, ".", "files with the numbers 0, 2; one is missing"),
        ({"reference0": "a\n", "dev_reference0": "a\n"}, ".", "several sets of references"),
        ({"other": "a\n"}, ".", "holds no reference0"),
        ({"r.txt": "a\n\n\nb\n"}, "r.txt", "r.txt:3: a blank line without a reference before it"),
        ({"r.txt": "\n\n"}, "r.txt", "only blank lines"),
        ({"r.csv": "mr,ref\na,b\n"}, "r.csv", "r.csv:1: a corpus with a header"),
        ({}, "none.json", "none.json: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, files: Mapping[str, str], name: str, said: str) -> None:
    write(tmp_path, files)
    with pytest.raises(DataError, match=said):
        read_references(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("MR\toutput\nname[A]\tone\nname[B]\ttwo\n", ("one", "two")),
        ('\ufeffMR\toutput\r\n"name[A], x"\t"say ""hi"""\r\nname[B]\t two \r\n', ('say "hi"', "two")),
        ("MR\toutput\n'name[A]'\t'one'\n'name[B]'\t'two'\n", ("one", "two")),
        ("MR\toutput\n'name[A]'\t'one'\nname[B]\ttwo\n", ("'one'", "two")),
    ],
)
def test_the_files_of_the_e2e_challenge(tmp_path: Path, text: str, outputs: tuple[str, ...]) -> None:
    write(tmp_path, {"system.tsv": text})
    assert read_outputs(tmp_path / "system.tsv").texts == outputs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mr,ref\na,b\n", ":1: a header of two columns"),
        ("MR\toutput\na\n", ":2: 1 column where the header has 2"),
        ("MR\toutput\na\tb\tc\n", ":2: 3 columns where the header has 2"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, {"system.tsv": text})
    with pytest.raises(DataError, match=said):
        read_outputs(tmp_path / "system.tsv")


SIGNS = 'a|[|]|"|,|{|}|\n|\r\n|\n\n|MR\toutput\n|\t|\'|{"output": "a"}|"id": |1|\ufeff|\x85|\u2028|null|\x00'
PIECES = st.lists(st.sampled_from([b"\xff", *(sign.encode() for sign in SIGNS.split("|"))]), max_size=30).map(b"".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), PIECES), st.sampled_from(["x.txt", "x.json", "x.jsonl", "x.tsv", "x.txt.gz"]))
def test_any_bytes_are_read_or_refused_in_our_words(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    for read in (read_references, read_outputs):
        try:
            read(tmp_path / name)
        except PrefixrunError as error:
            assert str(error).startswith(str(tmp_path / name))  # noqa: PT017 - a value is right too

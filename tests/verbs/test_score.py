"""prefixrun score: files in, numbers out; whatever is wrong with a file is named with its line."""

import gzip
import json
from pathlib import Path

import pytest

from prefixrun.cli import main

REFERENCES = [["The Mill is a cheap pub.", "A cheap pub is The Mill."], ["The Punter serves French food by the river."]]
OUTPUTS = ["The Mill is a cheap pub.", "The Punter serves food."]


@pytest.fixture(autouse=True)
def _no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR takes seconds to start and has tests of its own; without Java its value is null, with the reason."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)


@pytest.fixture
def refs(tmp_path: Path) -> Path:
    path = tmp_path / "refs.json"
    path.write_text(json.dumps(REFERENCES), encoding="utf-8")
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_scores_are_printed_and_written(tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode())
    out = tmp_path / "scores.json"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"out={out}"]) == 0
    record = json.loads(out.read_text())
    assert (record["task"], record["n_inputs"], record["references"], record["split"]) == ("e2e", 2, "refs", None)
    assert 0 < record["scores"]["BLEU"]["value"] < 100
    assert "case:lc" in record["scores"]["BLEU"]["signature"]
    assert record["scores"]["METEOR"]["value"] is None
    assert "Java" in record["scores"]["METEOR"]["reason"]
    printed = capsys.readouterr().out
    assert printed.startswith("hyp.txt: 2 outputs, references of refs.json\n")
    assert f"BLEU {record['scores']['BLEU']['value']:>16.4f}".split() == printed.splitlines()[1].split()[:2]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("hyp.txt", ("\n".join(OUTPUTS) + "\n").encode()),
        ("hyp.txt", ("\r\n".join(OUTPUTS) + "\r\n").encode()),
        ("hyp.txt", b"\xef\xbb\xbf" + "\n".join(OUTPUTS).encode()),
        ("hyp.txt.gz", "\n".join(OUTPUTS).encode()),
        ("hyp.jsonl", "\n".join(json.dumps({"id": "x", "output": text}) for text in OUTPUTS).encode()),
        ("hyp.jsonl.gz", "\n".join(json.dumps({"output": text}) for text in OUTPUTS).encode()),
    ],
)
def test_every_form_of_a_file_gives_the_same_scores(tmp_path: Path, refs: Path, name: str, data: bytes) -> None:
    plain = written(tmp_path / "plain.txt", "\n".join(OUTPUTS).encode())
    hyp = written(tmp_path / name, data)
    for path, out in ((plain, "a.json"), (hyp, "b.json")):
        assert main(["score", "task=e2e", f"hyp={path}", f"refs={refs}", f"out={tmp_path / out}"]) == 0
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()


def test_empty_outputs_are_scored_and_named(tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = written(tmp_path / "hyp.txt", b"The Mill is a cheap pub.\n\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}"]) == 0
    assert "1 outputs are empty and score as such: 2\n" in capsys.readouterr().out


def test_the_sample_corpus_gives_the_references_without_a_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from prefixrun.data import load

    examples = load("e2e", "dev", None).examples
    hyp = written(tmp_path / "hyp.txt", "\n".join(example.references[0] for example in examples).encode())
    assert main(["score", "task=e2e", f"hyp={hyp}", "split=dev"]) == 0
    printed = capsys.readouterr().out
    assert "e2e dev, the sample corpus: data_dir=DIR names the real one" in printed
    assert printed.splitlines()[1].split()[:2] == ["BLEU", "100.0000"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\n", "hyp.txt: 1 outputs for 2 inputs (references of refs.json); one a line"),
        (
            b"one\ntwo\n\n",
            "hyp.txt: 3 outputs for 2 inputs (references of refs.json); one a line; its last line is empty",
        ),
        (b"one\ncaf\xe9\n", "hyp.txt:2: byte 0xe9 is not UTF-8"),
        (b"", "hyp.txt: the file is empty"),
    ],
)
def test_wrong_outputs_are_refused(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    hyp = written(tmp_path / "hyp.txt", data)
    out = tmp_path / "scores.json"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"out={out}"]) == 3
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"output": ', "hyp.jsonl:2: is not JSON"),
        (b'{"text": "a"}', 'hyp.jsonl:2: is no object with the text "output"'),
        (b'{"output": 3}', 'hyp.jsonl:2: is no object with the text "output"'),
        (b'{"output": "\\ud800"}', 'hyp.jsonl:2: is no object with the text "output"'),
    ],
)
def test_wrong_json_lines_are_refused(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], line: bytes, said: str
) -> None:
    hyp = written(tmp_path / "hyp.jsonl", b'{"output": "fine"}\n' + line + b"\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[["a"],\n["b"', "refs.json:2: is not JSON"),
        ('{"a": 1}', "refs.json: is no JSON list"),
        ('[["a"], []]', "refs.json: entry 2 is no list of at least one text"),
        ('[["a"], ["b", 3]]', "refs.json: entry 2 is no list of at least one text"),
        ('["a", "b"]', "refs.json: entry 1 is no list of at least one text"),
    ],
)
def test_wrong_references_are_refused(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    refs.write_text(content, encoding="utf-8")
    hyp = written(tmp_path / "hyp.txt", b"one\ntwo\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task=e2", "hyp=h"], "task=e2: no metrics are defined for it"),
        (["task=e2e", "hyp=h", "refs=r", "split=dev"], "refs=r: data_dir and split name references too"),
        (["task=e2e", "hyp=h", "hyp=i"], "hyp=i: hyp is given twice"),
        (["task=e2e", "hyp="], "hyp=: has no value"),
        (["task=e2e"], "hyp: is missing; prefixrun score needs hyp=VALUE"),
        (["task=e2e", "hyp=h", "file"], "file: is not key=value"),
        (["task=e2e", "hyp=h", "spilt=dev"], "spilt=dev: prefixrun score has no key spilt; did you mean split?"),
    ],
)
def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(["score", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"prefixrun: {said}")


def test_a_split_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = written(tmp_path / "hyp.txt", b"one\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", "split=tests"]) == 2
    assert capsys.readouterr().err == "prefixrun: split=tests: there are train, dev, test\n"


def test_the_help_of_the_verb_names_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    from prefixrun.verbs import VERBS

    assert main(["score", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in (*VERBS["score"].required, *VERBS["score"].optional))


@pytest.mark.shared
@pytest.mark.parametrize("case", ["e2e_tgen_90", "e2e_odd_text"])
def test_the_official_values_come_out_of_the_command(goldens: Path, tmp_path: Path, case: str) -> None:
    out = tmp_path / "scores.json"
    hyp, refs = goldens / case / "hyp.txt", goldens / case / "refs.json"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"out={out}"]) == 0
    official = json.loads((goldens / case / "golden.json").read_text())["metrics"]
    scores = json.loads(out.read_text())["scores"]
    assert scores["BLEU"]["value"] == pytest.approx(100 * official["BLEU_perl"]["value"], abs=1e-7)
    assert scores["NIST"]["value"] == pytest.approx(official["NIST"]["value"], abs=1e-9)

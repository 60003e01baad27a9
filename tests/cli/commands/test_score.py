"""prefixrun score: files in, numbers out; whatever is wrong with a file is named with its line."""

import gzip
import io
import json
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.errors import DataError
from prefixrun.metrics.system_outputs import Outputs, read_outputs

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


def enough_inputs(path: Path, refs: Path, outputs: list[str]) -> Path:
    """Outputs and references of as many inputs as intervals need."""
    refs.write_text(json.dumps(REFERENCES * 10), encoding="utf-8")
    return written(path, "\n".join(outputs * 10).encode())


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_scores_are_printed_and_written(tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = enough_inputs(tmp_path / "hyp.txt", refs, OUTPUTS)
    out = tmp_path / "scores.json"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"out={out}"]) == 0
    record = json.loads(out.read_text())
    assert (record["task"], record["n_inputs"], record["references"], record["split"]) == ("e2e", 20, "refs", None)
    assert 0 < record["scores"]["BLEU"]["value"] < 100
    assert "case:lc" in record["scores"]["BLEU"]["signature"]
    assert record["scores"]["METEOR"]["value"] is None
    assert "Java" in record["scores"]["METEOR"]["reason"]
    printed = capsys.readouterr().out
    assert printed.startswith("hyp.txt: 20 outputs, references of refs.json\n")
    interval = record["scores"]["BLEU"]["interval"]
    row = f"  BLEU {record['scores']['BLEU']['value']:.4f} [{interval['low']:.2f}, {interval['high']:.2f}]"
    assert row.split() in [line.split() for line in printed.splitlines()]
    assert "fine-tuning" not in printed  # the paper's rows belong to the task's own references


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("hyp.txt", ("\n".join(OUTPUTS) + "\n").encode()),
        ("hyp.txt", ("\r\n".join(OUTPUTS) + "\r\n").encode()),
        ("hyp.txt", b"\xef\xbb\xbf" + "\n".join(OUTPUTS).encode()),
        ("hyp.txt.gz", "\n".join(OUTPUTS).encode()),
        ("hyp.jsonl", "\n".join(json.dumps({"id": text[4:8], "output": text}) for text in OUTPUTS).encode()),
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
    assert "empty      hyp.txt: 1, scored as such; inputs 2\n" in capsys.readouterr().out


def test_the_sample_corpus_gives_the_references_without_a_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from prefixrun.data import load

    examples = load("e2e", "dev", None).examples
    hyp = written(tmp_path / "hyp.txt", "\n".join(example.references[0] for example in examples).encode())
    assert main(["score", "task=e2e", f"hyp={hyp}", "split=dev"]) == 0
    printed = capsys.readouterr().out
    assert "e2e dev, the sample corpus: data_dir=DIR names the real one" in printed
    assert ["BLEU", "100.0000", "[100.00,", "100.00]"] in [line.split() for line in printed.splitlines()]
    assert "fine-tuning" not in printed  # nor beside the sample corpus


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\n", "hyp.txt:1: 1 outputs for 2 inputs (references of refs.json); the file ends here"),
        (
            b"one\ntwo\n\n",
            "hyp.txt:3: 3 outputs for 2 inputs (references of refs.json); 1 too many from this line on",
        ),
        (b"one\ncaf\xe9\n", "hyp.txt:2: byte 0xe9 is not UTF-8"),
        (b"", "hyp.txt: the file is empty"),
        (b'{"output": "one"}\n{"output": "two"}\n', "hyp.txt:1: JSON; give JSON lines"),
        (b'["one", "two"]', "hyp.txt:1: JSON; give JSON lines"),
        (gzip.compress(b"one\ntwo\n", mtime=0), "hyp.txt: is compressed with gzip; give it a name that ends in .gz"),
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
        (b'{"output": ', "hyp.jsonl:2: not JSON"),
        (b'{"text": "a"}', "hyp.jsonl:2: no 'output', only text; add it"),
        (b'{"output": 3}', "hyp.jsonl:2: output: a string is expected, not a number"),
        (b'"text"', "hyp.jsonl:2: an object is expected, not a string"),
        (b'{"output": "\\ud800"}', 'hyp.jsonl:2: "\\ud800" holds half of a surrogate pair'),
        (b'{"output": "a", "output": "b"}', "hyp.jsonl:2: the key 'output' stands twice in one object"),
        (b"", "hyp.jsonl:2: an empty line"),
        (b"[" * 100_000, "hyp.jsonl:2: JSON nested too deeply"),
        (b'{"output": "a", "n": ' + b"9" * 5000 + b"}", "hyp.jsonl:2: JSON with a number of thousands of digits"),
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
        ('[["a"],\n["b"', "refs.json:2: not JSON"),
        ('{"a": 1}', "refs.json: a list is expected, not an object"),
        ('[["a"], []]', "refs.json: entry 2: no text; every input needs at least one reference"),
        ('[["a"], ["b", 3]]', "refs.json: entry 2: a string is expected, not a number"),
        ('["a", "b"]', "refs.json: entry 1: a list is expected, not a string"),
        ('[["a"], ["", " "]]', "refs.json: entry 2: no text; every input needs at least one reference"),
        ("[]", "refs.json: is an empty list"),
        ('[["a"],\n["\\ud800"]]', 'refs.json:2: "\\ud800" holds half of a surrogate pair'),
        ("[" * 100_000, "refs.json: JSON nested too deeply"),
        (f"[[{'9' * 5000}]]", "refs.json: JSON with a number of thousands of digits"),
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
        (
            ["task=e2e", "hyp=h", "bootstrap=many"],
            "bootstrap=many: must be a whole number from 0 to 1,000,000",
        ),
        (["task=e2e", "hyp=h", "bootstrap=5"], "bootstrap=5: is no number of draws"),
        (["task=e2e", "hyp=h", f"bootstrap={'9' * 5000}"], f"bootstrap={'9' * 40}… (4,960 characters more): must be a"),
        (["task=e2e", "hyp=h", "data.verify=no"], "data.verify=no: there are on, off"),
        (["task=e2e", "hyp=h", "refs=r", "data.verify=off"], "refs=r: data_dir and split name references too"),
        (["task=e2e", "hyp=h", "bootstrap=-1"], "bootstrap=-1: must be a whole number"),
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "folder: cannot be read (Is a directory)"),
        ("missing.txt", "missing.txt: cannot be read (No such file or directory)"),
        ("cut.txt.gz", "cut.txt.gz: damaged or truncated gzip file"),
        ("plain.txt.gz", "plain.txt.gz: damaged or truncated gzip file"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n", mtime=0)[:-6])
    (tmp_path / "plain.txt.gz").write_bytes(b"one\ntwo\n")
    assert main(["score", "task=e2e", f"hyp={tmp_path / name}", f"refs={refs}"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "said"), [("folder", "is a directory; name a file in it"), ("none/scores.json", "none is no directory")]
)
def test_a_place_that_cannot_hold_the_scores_is_refused_first(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], out: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    assert main(["score", "task=e2e", "hyp=unread.txt", f"refs={refs}", f"out={tmp_path / out}"]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out


@pytest.mark.parametrize("key", ["hyp", "refs"])
def test_no_file_that_is_read_is_replaced(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    files = {"hyp": written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode()), "refs": refs}
    before = files[key].read_bytes()
    given = [f"{name}={path}" for name, path in files.items()]
    assert main(["score", "task=e2e", *given, f"out={tmp_path / '.' / files[key].name}"]) == 2
    assert f"is the file of {key}, which it would replace" in capsys.readouterr().err
    assert files[key].read_bytes() == before


def test_a_copy_that_is_not_the_release_is_scored_when_asked_and_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from prefixrun.data import SAMPLES, load

    (tmp_path / "e2e").symlink_to(SAMPLES / "e2e")
    references = [example.references[0] for example in load("e2e", "dev", None).examples]
    hyp, out = written(tmp_path / "hyp.txt", "\n".join(references).encode()), tmp_path / "scores.json"
    given = ["score", "task=e2e", f"hyp={hyp}", "split=dev", f"data_dir={tmp_path}", "bootstrap=0", f"out={out}"]
    assert main(given) == 3
    assert "accept this copy as it is with data.verify=off" in capsys.readouterr().err
    assert main([*given, "data.verify=off"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("hyp.txt: 30 outputs, e2e dev, not verified to be the release\n")
    assert "fine-tuning" not in printed
    assert json.loads(out.read_text())["verified"] is False


@pytest.mark.parametrize("task", ["e2e", "webnlg", "dart", "xsum"])
def test_one_input_with_one_reference_and_no_groups(tmp_path: Path, refs: Path, task: str) -> None:
    refs.write_text('[["The Mill is a pub."]]', encoding="utf-8")
    hyp, out = written(tmp_path / "hyp.txt", b"The Mill pub\n"), tmp_path / "scores.json"
    assert main(["score", f"task={task}", f"hyp={hyp}", f"refs={refs}", f"out={out}", "bootstrap=100"]) == 0
    scores = json.loads(out.read_text())["scores"]
    for name, one in scores.items():
        assert "interval" not in one, name
    assert "TER" not in scores or scores["TER"]["value"] == 0.5  # "is", "a" and the full stop are missing


def test_a_split_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = written(tmp_path / "hyp.txt", b"one\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", "split=tests"]) == 2
    assert capsys.readouterr().err == "prefixrun: split=tests: there are train, dev, test\n"


def test_the_help_of_the_verb_names_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    from prefixrun.cli.verbs import VERBS

    assert main(["score", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in (*VERBS["score"].required, *VERBS["score"].optional))


def test_inputs_that_are_known_add_the_measures_that_read_them(tmp_path: Path) -> None:
    from prefixrun.data import load

    for task, name in (("e2e", "SLOT_ERROR"), ("webnlg", "COVERAGE/all")):
        references = [example.references[0] for example in load(task, "test", None).examples]
        hyp, out = written(tmp_path / "hyp.txt", "\n".join(references).encode()), tmp_path / "scores.json"
        assert main(["score", f"task={task}", f"hyp={hyp}", f"out={out}", "bootstrap=100"]) == 0
        assert json.loads(out.read_text())["scores"][name]["value"] is not None


def test_the_parts_of_xsum_and_own_tasks_are_scored_like_a_task_of_the_paper(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hyp, out = written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode()), tmp_path / "scores.json"
    for given, name in ((["task=xsum_news_to_sports"], "ROUGE-1"), (["task=recipes", "metrics=e2e"], "CIDEr")):
        assert main(["score", *given, f"hyp={hyp}", f"refs={refs}", f"out={out}"]) == 0
        assert name in json.loads(out.read_text())["scores"]
    capsys.readouterr()
    assert main(["score", "task=recipes", f"hyp={hyp}", f"refs={refs}"]) == 2
    assert "An own task needs metrics=TASK" in capsys.readouterr().err
    assert main(["score", "task=recipes", "metrics=e2", f"hyp={hyp}", f"refs={refs}"]) == 2
    assert "metrics=e2: no metrics are defined for it; known: e2e, webnlg, dart, xsum. " in capsys.readouterr().err


def test_no_draws_no_intervals(tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hyp = written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode())
    out = tmp_path / "scores.json"
    arguments = ["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"against={hyp}", f"out={out}", "bootstrap=0"]
    assert main(arguments) == 0
    assert "interval" not in capsys.readouterr().out
    record = json.loads(out.read_text())
    assert record["differences"] == {}
    assert not any("interval" in one for one in record["scores"].values())


def test_a_second_system_stands_beside_the_first(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    worse = enough_inputs(tmp_path / "worse.txt", refs, ["A pub.", "A river."])
    better = written(tmp_path / "better.txt", "\n".join(OUTPUTS * 10).encode())
    out, alone = tmp_path / "both.json", tmp_path / "alone.json"
    assert main(["score", "task=e2e", f"hyp={better}", f"refs={refs}", f"out={alone}"]) == 0
    capsys.readouterr()
    assert main(["score", "task=e2e", f"hyp={worse}", f"refs={refs}", f"against={better}", f"out={out}"]) == 0
    record = json.loads(out.read_text())
    assert record["against"]["scores"] == json.loads(alone.read_text())["scores"]
    for name, one in record["differences"].items():
        other = record["against"]["scores"][name]["value"]
        assert one["value"] == pytest.approx(other - record["scores"][name]["value"])
        assert 1 / 1001 <= one["p_value"] <= 1
    printed = capsys.readouterr().out
    assert printed.startswith("worse.txt, against better.txt: 20 outputs, references of refs.json\n")
    chrf = next(line.split() for line in printed.splitlines() if line.startswith("chrF"))
    assert f"{record['differences']['chrF']['value']:+.4f}" in chrf
    assert f"{record['differences']['chrF']['p_value']:.4f}" == chrf[-1]
    assert "approximate randomisation, 1,000 trials" in printed


def test_few_inputs_give_no_interval_and_no_p_value(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hyp = written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode())
    out = tmp_path / "scores.json"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"against={hyp}", f"out={out}"]) == 0
    printed, record = capsys.readouterr().out, json.loads(out.read_text())
    assert "interval   none, and no p-value: fewer than 20 inputs say nothing of others\n" in printed
    assert "95 % interval" not in printed
    assert (record["differences"], record["bootstrap"]["draws"]) == ({}, 0)


def test_what_is_wrong_with_the_second_file_is_said_of_it(
    tmp_path: Path, refs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hyp = written(tmp_path / "hyp.txt", "\n".join(OUTPUTS).encode())
    other = written(tmp_path / "other.txt", b"one\n")
    assert main(["score", "task=e2e", f"hyp={hyp}", f"refs={refs}", f"against={other}"]) == 3
    assert "other.txt:1: 1 outputs for 2 inputs" in capsys.readouterr().err


def test_json_lines_of_a_run_are_matched_by_id(tmp_path: Path) -> None:
    from prefixrun.data import load

    lines = [json.dumps({"id": one.id, "output": one.references[0]}) for one in load("webnlg", "test", None).examples]
    for name, order in (("a", lines), ("b", lines[::-1])):
        hyp = written(tmp_path / f"{name}.jsonl", "\n".join(order).encode())
        assert main(["score", "task=webnlg", f"hyp={hyp}", f"out={tmp_path / name}.json", "bootstrap=100"]) == 0
    scores = json.loads((tmp_path / "a.json").read_text())["scores"]
    assert scores == json.loads((tmp_path / "b.json").read_text())["scores"]
    assert scores["BLEU/seen"]["value"] == scores["BLEU/unseen"]["value"] == pytest.approx(100)
    assert {"low", "high"} == set(scores["TER/unseen"]["interval"])


@pytest.mark.shared
@pytest.mark.parametrize("split", ["test", "test_6959"])
def test_dart_takes_both_orders_of_its_test_files(shared: Path, split: str) -> None:
    """Both line counts give the same texts for the same inputs; a third count is refused with both numbers."""
    from prefixrun.cli.commands import score

    outputs = read_outputs(shared / "data/system_outputs/dart/prefixtuning_test_beam.6959.txt.gz")
    arguments = {"task": "dart", "data_dir": str(shared / "data")}
    kept = score._target(arguments, split, [outputs]).line_up(outputs)
    assert len(kept) == 5097
    shorter = Outputs(Path("shorter.txt"), tuple(kept))
    assert score._target(arguments, split, [shorter]).line_up(shorter) == kept
    cut = Outputs(Path("cut.txt"), outputs.texts[:6000])
    with pytest.raises(DataError, match=r"cut.txt:5098: 6000 outputs for 5097 or 6959 inputs"):
        score._target(arguments, split, [cut]).line_up(cut)


@pytest.mark.slow
@pytest.mark.shared
def test_the_papers_rows_stand_below_a_score_on_the_real_corpus(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hyp = shared / "data/system_outputs/e2e_tgen2019/tgen-std.run0.txt"
    assert main(["score", "task=e2e", f"hyp={hyp}", f"data_dir={shared / 'data'}", "bootstrap=100"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["tgen-std.run0.txt", "66.2", "8.54", "–", "69.1", "2.23"] in lines
    assert ["prefix", "0.1%", "70.3", "8.82", "46.3", "72.1", "2.46"] in lines


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


@pytest.mark.parametrize("data", [b"a pub\nfood\n", b'{"output": "a pub"}\n{"output": "food"}\n'])
def test_standard_input(
    refs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["score", "task=e2e", "hyp=-", f"refs={refs}", "bootstrap=0"]) == 0
    assert capsys.readouterr().out.startswith("standard input: 2 outputs, references of refs.json")
    assert main(["score", "task=e2e", "hyp=-", "against=-", f"refs={refs}"]) == 2
    assert "standard input can be read once" in capsys.readouterr().err

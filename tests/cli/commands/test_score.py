"""prefixrun score: files in, numbers out; whatever is wrong with a file is named with its line."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from prefixrun.cli.commands import score
from prefixrun.cli.main import main
from prefixrun.data import SAMPLES, load
from prefixrun.errors import DataError
from prefixrun.metrics.system_outputs import Outputs, read_outputs

REFERENCES = [["The Mill is a cheap pub.", "A cheap pub is The Mill."], ["The Punter serves French food by the river."]]
OUTPUTS = ["The Mill is a cheap pub.", "The Punter serves food."]
E2E = ("score", "task=e2e", "hyp=hyp.txt", "refs=refs.json")


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two outputs with their references here, and no Java: METEOR takes seconds to start and has tests of its own."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    write("refs.json", json.dumps(REFERENCES))
    write("hyp.txt", "\n".join(OUTPUTS))


def write(name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


def first_references(task: str, split: str) -> str:
    """A file of outputs that are right, of a sample corpus."""
    return "\n".join(example.references[0] for example in load(task, split, None).examples)


def scored(*words: str) -> dict[str, Any]:
    """What is written of the scores."""
    assert main([*words, "out=scores.json"]) == 0
    record: dict[str, Any] = json.loads(Path("scores.json").read_text())
    return record


def test_scores_are_printed_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    write("refs.json", json.dumps(REFERENCES * 10))
    write("hyp.txt", "\n".join(OUTPUTS * 10))
    record = scored(*E2E)
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


def test_ids_that_bare_references_do_not_have_are_not_read_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    write("ids.jsonl", "\n".join(json.dumps({"id": text[4:8], "output": text}) for text in OUTPUTS))
    assert main(["score", "task=e2e", "hyp=ids.jsonl", "refs=refs.json"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "ids ids.jsonl: not read; its lines are taken in the order of the references" in said


def test_scores_without_a_value_are_written_with_the_number_of_inputs() -> None:
    record = scored(*E2E, "metrics=METEOR")
    assert (record["n_inputs"], record["scores"]["METEOR"]["value"]) == (2, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other.txt", "\n".join(OUTPUTS) + "\n"),
        ("other.txt", "\r\n".join(OUTPUTS) + "\r\n"),
        ("other.txt", "\ufeff" + "\n".join(OUTPUTS)),
        ("other.txt.gz", "\n".join(OUTPUTS)),
        ("other.jsonl", "\n".join(json.dumps({"id": text[4:8], "output": text}) for text in OUTPUTS)),
        ("other.jsonl.gz", "\n".join(json.dumps({"output": text}) for text in OUTPUTS)),
    ],
)
def test_every_form_of_a_file_gives_the_same_scores(name: str, content: str) -> None:
    write(name, content)
    assert scored("score", "task=e2e", f"hyp={name}", "refs=refs.json") == scored(*E2E)


def test_empty_outputs_are_scored_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    write("hyp.txt", "The Mill is a cheap pub.\n\n")
    assert main([*E2E]) == 0
    assert "empty      hyp.txt: 1, scored as such; inputs 2\n" in capsys.readouterr().out


def test_the_sample_corpus_gives_the_references_without_a_directory(capsys: pytest.CaptureFixture[str]) -> None:
    write("hyp.txt", first_references("e2e", "dev"))
    assert main(["score", "task=e2e", "hyp=hyp.txt", "split=dev"]) == 0
    printed = capsys.readouterr().out
    assert "e2e dev, the sample corpus: data_dir=DIR names the real one" in printed
    assert ["BLEU", "100.0000", "[100.00,", "100.00]"] in [line.split() for line in printed.splitlines()]
    assert "fine-tuning" not in printed  # nor beside the sample corpus


FINE = b'{"output": "fine"}\n'
NINES = b"9" * 5000
WRONG = [
    ("hyp.txt", b"one\n", "hyp.txt:1: 1 output for 2 inputs (references of refs.json); the file ends here"),
    (
        "hyp.txt",
        b"one\ntwo\n\n",
        "hyp.txt:3: 3 outputs for 2 inputs (references of refs.json); 1 too many from this line on",
    ),
    ("hyp.txt", b"one\ncaf\xe9\n", "hyp.txt:2: byte 0xe9 is not UTF-8"),
    ("hyp.txt", b"", "hyp.txt: the file is empty"),
    ("hyp.txt", b'{"output": "one"}\n{"output": "two"}\n', "hyp.txt:1: JSON; give JSON lines"),
    ("hyp.txt", b'["one", "two"]', "hyp.txt:1: JSON; give JSON lines"),
    (
        "hyp.txt",
        gzip.compress(b"one\ntwo\n", mtime=0),
        "hyp.txt: is compressed with gzip; give it a name that ends in .gz",
    ),
    ("hyp.jsonl", FINE + b'{"output": \n', "hyp.jsonl:2: not JSON"),
    ("hyp.jsonl", FINE + b'{"text": "a"}\n', "hyp.jsonl:2: no 'output', only text; add it"),
    ("hyp.jsonl", FINE + b'{"output": 3}\n', "hyp.jsonl:2: output: a string is expected, not a number"),
    ("hyp.jsonl", FINE + b'"text"\n', "hyp.jsonl:2: an object is expected, not a string"),
    ("hyp.jsonl", FINE + b'{"output": "\\ud800"}\n', 'hyp.jsonl:2: "\\ud800" holds half of a surrogate pair'),
    (
        "hyp.jsonl",
        FINE + b'{"output": "a", "output": "b"}\n',
        "hyp.jsonl:2: the key 'output' stands twice in one object",
    ),
    ("hyp.jsonl", FINE + b"\n", "hyp.jsonl:2: an empty line"),
    ("hyp.jsonl", FINE + b"[" * 100_000 + b"\n", "hyp.jsonl:2: JSON nested too deeply"),
    (
        "hyp.jsonl",
        FINE + b'{"output": "a", "n": ' + NINES + b"}\n",
        "hyp.jsonl:2: JSON with a number of thousands of digits",
    ),
    ("refs.json", b'[["a"],\n["b"', "refs.json:2: not JSON"),
    ("refs.json", b'{"a": 1}', "refs.json: a list is expected, not an object"),
    ("refs.json", b'[["a"], []]', "refs.json: entry 2: no text; every input needs at least one reference"),
    ("refs.json", b'[["a"], ["b", 3]]', "refs.json: entry 2: a string is expected, not a number"),
    ("refs.json", b'["a", "b"]', "refs.json: entry 1: a list is expected, not a string"),
    ("refs.json", b'[["a"], ["", " "]]', "refs.json: entry 2: no text; every input needs at least one reference"),
    ("refs.json", b"[]", "refs.json: is an empty list"),
    ("refs.json", b'[["a"],\n["\\ud800"]]', 'refs.json:2: "\\ud800" holds half of a surrogate pair'),
    ("refs.json", b"[" * 100_000, "refs.json: JSON nested too deeply"),
    ("refs.json", b"[[" + NINES + b"]]", "refs.json: JSON with a number of thousands of digits"),
    ("/", None, "/: cannot be read (Is a directory)"),
    ("missing.txt", None, "missing.txt: cannot be read (No such file or directory)"),
    ("cut.txt.gz", gzip.compress(b"one\ntwo\n", mtime=0)[:-6], "cut.txt.gz: damaged or truncated gzip file"),
    ("plain.txt.gz", b"one\ntwo\n", "plain.txt.gz: damaged or truncated gzip file"),
]


@pytest.mark.parametrize(("name", "data", "said"), WRONG, ids=[said[:60] for _, _, said in WRONG])
def test_what_is_wrong_with_a_file_is_named_with_its_line(
    capsys: pytest.CaptureFixture[str], name: str, data: bytes | None, said: str
) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    hyp = "hyp.txt" if name == "refs.json" else name
    assert main(["score", "task=e2e", f"hyp={hyp}", "refs=refs.json", "out=scores.json"]) == 3
    assert said in capsys.readouterr().err
    assert not Path("scores.json").exists()


def test_what_is_wrong_with_the_second_file_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    write("other.txt", "one\n")
    assert main([*E2E, "against=other.txt"]) == 3
    assert "other.txt:1: 1 output for 2 inputs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("folder", "is a directory; name a file in it"),
        ("none/scores.json", "none is no directory"),
        ("./hyp.txt", "is the file of hyp, which it would replace"),
        ("./refs.json", "is the file of refs, which it would replace"),
    ],
)
def test_a_place_that_cannot_hold_the_scores_is_refused_first(
    capsys: pytest.CaptureFixture[str], out: str, said: str
) -> None:
    Path("folder").mkdir()
    before = {path: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()}
    hyp = "hyp.txt" if "hyp" in out else "unread.txt"
    assert main(["score", "task=e2e", f"hyp={hyp}", "refs=refs.json", f"out={out}"]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out
    assert {path: path.read_bytes() for path in Path.cwd().iterdir() if path.is_file()} == before


def test_a_copy_that_is_not_the_release_is_scored_when_asked_and_said_to_be_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("e2e").symlink_to(SAMPLES / "e2e")
    write("hyp.txt", first_references("e2e", "dev"))
    given = ("score", "task=e2e", "hyp=hyp.txt", "split=dev", "data_dir=.", "bootstrap=0")
    assert main([*given]) == 3
    assert "accept this copy as it is with data.verify=off" in capsys.readouterr().err
    assert scored(*given, "data.verify=off")["verified"] is False
    printed = capsys.readouterr().out
    assert printed.startswith("hyp.txt: 30 outputs, e2e dev, not verified to be the release\n")
    assert "fine-tuning" not in printed


@pytest.mark.parametrize("task", ["e2e", "webnlg", "dart", "xsum"])
def test_one_input_with_one_reference_and_no_groups(task: str) -> None:
    write("refs.json", '[["The Mill is a pub."]]')
    write("hyp.txt", "The Mill pub\n")
    scores = scored("score", f"task={task}", *E2E[2:], "bootstrap=100")["scores"]
    for name, one in scores.items():
        assert "interval" not in one, name
    assert "TER" not in scores or scores["TER"]["value"] == 0.5  # "is", "a" and the full stop are missing


@pytest.mark.parametrize(("task", "name"), [("e2e", "SLOT_ERROR"), ("webnlg", "COVERAGE/all")])
def test_inputs_that_are_known_add_the_measures_that_read_them(task: str, name: str) -> None:
    write("hyp.txt", first_references(task, "test"))
    assert scored("score", f"task={task}", "hyp=hyp.txt", "bootstrap=100")["scores"][name]["value"] is not None


def test_the_parts_of_xsum_and_own_tasks_are_scored_like_a_task_of_the_paper(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "ROUGE-1" in scored("score", "task=xsum_news_to_sports", *E2E[2:])["scores"]
    own = ("score", "task=recipes", *E2E[2:])
    assert "CIDEr" in scored(*own, "metrics=e2e")["scores"]
    capsys.readouterr()
    assert main([*own]) == 2
    assert "An own task has them in its file (--config-dir DIR), or needs metrics=TASK" in capsys.readouterr().err
    assert main([*own, "metrics=e2"]) == 2
    assert "metrics=e2: no metrics are defined for it; known: e2e, webnlg, dart, xsum. " in capsys.readouterr().err


def test_no_draws_no_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    record = scored(*E2E, "against=hyp.txt", "bootstrap=0")
    assert "interval" not in capsys.readouterr().out
    assert record["differences"] == {}
    assert not any("interval" in one for one in record["scores"].values())


def test_a_second_system_stands_beside_the_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    write("refs.json", json.dumps(REFERENCES * 10))
    write("worse.txt", "\n".join(["A pub.", "A river."] * 10))
    write("hyp.txt", "\n".join(OUTPUTS * 10))
    alone = scored(*E2E)
    capsys.readouterr()
    record = scored("score", "task=e2e", "hyp=worse.txt", "refs=refs.json", "against=hyp.txt")
    assert record["against"]["scores"] == alone["scores"]
    for name, one in record["differences"].items():
        other = record["against"]["scores"][name]["value"]
        assert one["value"] == pytest.approx(other - record["scores"][name]["value"])
        assert 1 / 1001 <= one["p_value"] <= 1
    printed = capsys.readouterr().out
    assert printed.startswith("worse.txt, against hyp.txt: 20 outputs, references of refs.json\n")
    chrf = next(line.split() for line in printed.splitlines() if line.startswith("chrF"))
    assert f"{record['differences']['chrF']['value']:+.4f}" in chrf
    assert f"{record['differences']['chrF']['p_value']:.4f}" == chrf[-1]
    assert "approximate randomisation, 1,000 trials" in printed


def test_few_inputs_give_no_interval_and_no_p_value(capsys: pytest.CaptureFixture[str]) -> None:
    record = scored(*E2E, "against=hyp.txt")
    printed = capsys.readouterr().out
    assert "interval   none, and no p-value: fewer than 20 inputs say nothing of others\n" in printed
    assert "95 % interval" not in printed
    assert (record["differences"], record["bootstrap"]["draws"]) == ({}, 0)


def test_json_lines_of_a_run_are_matched_by_id() -> None:
    lines = [json.dumps({"id": one.id, "output": one.references[0]}) for one in load("webnlg", "test", None).examples]
    found = []
    for order in (lines, lines[::-1]):
        write("hyp.jsonl", "\n".join(order))
        found.append(scored("score", "task=webnlg", "hyp=hyp.jsonl", "bootstrap=100")["scores"])
    scores, again = found
    assert scores == again
    assert scores["BLEU/seen"]["value"] == scores["BLEU/unseen"]["value"] == pytest.approx(100)
    assert {"low", "high"} == set(scores["TER/all"]["interval"])


def test_scores_that_need_all_inputs_have_no_interval_for_a_part_and_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """25 inputs in each group: there are enough for an interval of BLEU."""
    rows = "".join(f"input {i},a pub number {i},{'east' if i % 2 else 'west'}\n" for i in range(50))
    Path("pubs").mkdir()
    write("pubs/test.csv", f"source,target,group\n{rows}")
    write("hyp.txt", "".join(f"a pub number {i // 2}\n" for i in range(50)))
    words = ("score", "task=pubs", "hyp=hyp.txt", "data_dir=.", "bootstrap=100")
    scores = scored(*words, "metrics=CIDEr,BLEU")["scores"]
    assert [name for name in scores if "interval" not in scores[name]] == ["CIDEr/east", "CIDEr/west"]
    printed = " ".join(capsys.readouterr().out.split())
    assert "none for CIDEr of a part: what an n-gram weighs comes from all inputs" in printed
    assert "fewer than 20" not in printed
    assert main([*words, "metrics=CIDEr"]) == 0
    assert "fewer than 20" not in capsys.readouterr().out


def test_a_part_of_few_inputs_has_no_interval_and_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"id": one.id, "output": one.references[0]}) for one in load("webnlg", "test", None).examples]
    write("hyp.jsonl", "\n".join(lines))
    scores = scored("score", "task=webnlg", "hyp=hyp.jsonl", "bootstrap=100")["scores"]
    assert "interval" not in scores["TER/unseen"]
    capsys.readouterr()
    assert main(["score", "task=webnlg", "hyp=hyp.jsonl", "bootstrap=100"]) == 0
    assert "none for seen, unseen: fewer than 20 inputs say nothing of others" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.shared
@pytest.mark.parametrize("split", ["test", "test_6959"])
def test_dart_takes_both_orders_of_its_test_files(shared: Path, split: str) -> None:
    """Both line counts give the same texts for the same inputs; a third count is refused with both numbers."""
    outputs = read_outputs(shared / "data/system_outputs/dart/prefixtuning_test_beam.6959.txt.gz")
    arguments = {"task": "dart", "data_dir": str(shared / "data")}
    kept = score._target(arguments, split, [outputs]).line_up(outputs)
    assert len(kept) == 5097
    shorter = Outputs(Path("shorter.txt"), tuple(kept))
    assert score._target(arguments, split, [shorter]).line_up(shorter) == kept
    cut = Outputs(Path("cut.txt"), outputs.texts[:6000])
    with pytest.raises(DataError, match=r"cut.txt:5098: 6,000 outputs for 5,097( or 6,959)? inputs"):
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
    assert main(["score", "task=e2e", f"hyp={hyp}", f"data_dir={shared / 'data'}", "bootstrap=0", "metrics=BLEU"]) == 0
    assert "paper" not in capsys.readouterr().out, "scores made otherwise stand beside no number of the paper"


@pytest.mark.shared
@pytest.mark.parametrize("case", ["e2e_tgen_90", "e2e_odd_text"])
def test_the_official_values_come_out_of_the_command(goldens: Path, case: str) -> None:
    files = (f"hyp={goldens / case / 'hyp.txt'}", f"refs={goldens / case / 'refs.json'}")
    scores = scored("score", "task=e2e", *files)["scores"]
    official = json.loads((goldens / case / "golden.json").read_text())["metrics"]
    assert scores["BLEU"]["value"] == pytest.approx(100 * official["BLEU_perl"]["value"], abs=1e-7)
    assert scores["NIST"]["value"] == pytest.approx(official["NIST"]["value"], abs=1e-9)


@pytest.mark.parametrize("data", [b"a pub\nfood\n", b'{"output": "a pub"}\n{"output": "food"}\n'])
def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["score", "task=e2e", "hyp=-", "refs=refs.json", "bootstrap=0"]) == 0
    assert capsys.readouterr().out.startswith("standard input: 2 outputs, references of refs.json")
    assert main(["score", "task=e2e", "hyp=-", "against=-", "refs=refs.json"]) == 2
    assert "standard input can be read once" in capsys.readouterr().err

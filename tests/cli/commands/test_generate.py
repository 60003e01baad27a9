"""prefixrun generate: arguments, inputs from a file, outputs to one."""

import json
import re
import shlex
from pathlib import Path

import pytest
from safetensors.torch import save

from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.models.architectures import random_model
from prefixrun.models.loading import load
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.results.records import load_records
from tiny_methods import drawn

SOURCES = ["name : Aromi | Type : pub", "name : Cocum | Type : coffee shop | food : Chinese", "name : X"]


@pytest.mark.parametrize("text", ["word " * 5000, "w" * 1_000_000])
def test_an_input_that_does_not_fit(finished: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (run,) = load_records(finished).runs
    assert main(["generate", f"run={run.run_id}", f"text={text}", f"results_dir={finished}"]) == 2
    message = capsys.readouterr().err
    assert "of input 1" in message
    assert message.count("\n") == 1
    assert len(message) < 500


@pytest.mark.parametrize(
    ("length", "scale", "code", "said"), [(2000, 1.0, 2, "2000 of prefix"), (2, 1e38, 5, "not finite")]
)
def test_a_prefix_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], length: int, scale: float, code: int, said: str
) -> None:
    backbone = load(compose(["model=tiny_gpt2"]).model)
    (tmp_path / "prefix").write_bytes(save({"decoder": drawn(backbone, length)["decoder"] * scale}))
    assert main(["generate", f"prefix={tmp_path / 'prefix'}", "model=tiny_gpt2", "text=a"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_lines_of_windows_are_the_same_inputs(finished: Path, tmp_path: Path) -> None:
    (run,) = load_records(finished).runs
    where = (f"run={run.run_id}", f"results_dir={finished}")
    written = []
    for name, end in (("lf", "\n"), ("crlf", "\r\n")):
        (tmp_path / name).write_text("".join(source + end for source in SOURCES), newline="")
        out = tmp_path / f"{name}.jsonl"
        assert main(["generate", *where, f"file={tmp_path / name}", f"out={out}"]) == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\n\xe9\n", ":2: byte 0xe9 is not UTF-8"),
        (b"one\n\n", ":2: is empty"),
        (b"", ": the file is empty"),
    ],
)
def test_a_file_of_inputs_that_is_wrong(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    (tmp_path / "in.txt").write_bytes(data)
    given = ["generate", f"run={load_records(finished).runs[0].run_id}", f"results_dir={finished}"]
    assert main([*given, f"file={tmp_path / 'in.txt'}"]) == 3
    assert capsys.readouterr().err.startswith(f"prefixrun: {tmp_path / 'in.txt'}{said}")
    for name in ("/dev/full", str(tmp_path)):
        assert main([*given, f"file={name}"]) == 3
        assert capsys.readouterr().err.startswith(f"prefixrun: {name}: ")


def test_a_file_of_inputs_to_a_file_of_outputs(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = load_records(finished).runs
    Path("in.txt").write_text("\n".join(SOURCES) + "\n")
    arguments = ["generate", f"run={record.run_id}", "file=in.txt", f"results_dir={finished}"]
    assert main([*arguments, "out=out.jsonl"]) == 0
    assert capsys.readouterr().out == "out.jsonl: 3 outputs\n"
    written = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(line["run"], line["source"]) for line in written] == [(record.run_id, source) for source in SOURCES]
    assert main(arguments) == 0
    assert capsys.readouterr().out.count(f"{record.run_id}  ") == 3


@pytest.mark.parametrize("out", ["none/out.jsonl", "in.txt"])
def test_a_place_that_cannot_hold_the_outputs_is_refused_first(
    finished: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    Path("in.txt").write_text(f"{SOURCES[0]}\n")
    assert main(["generate", "run=no-such-run", "file=in.txt", f"results_dir={finished}", f"out={out}"]) == 2
    assert f"out={out}: " in capsys.readouterr().err
    assert Path("in.txt").read_text() == f"{SOURCES[0]}\n"


def test_a_prefix_of_a_model_in_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command that the model card names, with the directory put in."""
    directory = tmp_path / "the model"
    random_model("tiny_llama").save_pretrained(directory)
    byte_tokenizer("paper").base.save_pretrained(directory)  # type: ignore[attr-defined]
    run = ["method=prefix_flat", "prefix_len=3", "model=path", f"model.path='{directory}'", "model.layers=1"]
    run += ["train.max_steps=4", "train.warmup_steps=0", "train.lr=0.1", "test_size=2", "decode=greedy"]
    assert main([*run, "decode.max_new_tokens=8", f"results_dir={tmp_path}"]) == 0
    (record,) = load_records(tmp_path).runs
    where = [f"run={record.run_id}", f"results_dir={tmp_path}", f"model_path={directory}"]
    assert main(["export", *where, "format=hub", f"out={tmp_path / 'card'}"]) == 0
    card = (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"# prefixrun (generate .*)", card)
    capsys.readouterr()
    assert main(["generate", *where, f"text={SOURCES[0]}"]) == 0
    by_run = capsys.readouterr().out.partition("  ")[2]
    places = {"prefix=prefix.safetensors": f"prefix={tmp_path / 'card' / 'prefix.safetensors'}"}
    places |= {"model_path=DIR": f"model_path={directory}", "text=...": f"text={SOURCES[0]}"}
    words = [places.pop(word, word) for word in shlex.split(command)]
    assert not places
    assert main([*words, "decode=greedy", "decode.max_new_tokens=8"]) == 0
    assert capsys.readouterr().out.partition("  ")[2] == by_run
    assert main(["generate", *where, "model.layers=1", "text=a"]) == 2
    assert "model.layers: is for prefix=PATH; a run knows its model" in capsys.readouterr().err

"""Every verb has its function and its help, and refuses what is wrong in one message."""

import inspect
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from prefixrun.cli import commands
from prefixrun.cli.main import main
from prefixrun.cli.verbs import VERBS
from synthetic_records import write_record


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_function_and_its_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    file, _, function = verb.partition(" ")
    module = import_module(f"prefixrun.cli.commands.{file}")
    assert callable(getattr(module, function or "run"))
    assert commands.run(verb, ["--help"]) == 0
    assert capsys.readouterr().out.split() == inspect.cleandoc(module.__doc__ or "").split(), "wrapped to the terminal"
    if not VERBS[verb].takes_overrides:
        for key in (*VERBS[verb].required, *VERBS[verb].optional, *VERBS[verb].positional):
            explained = "decode.KEY" if key.startswith("decode.") else key
            assert explained in (module.__doc__ or ""), f"{key} is explained"


REFUSED = [
    ("data check data_dir=nowhere", 3, "nowhere: no such directory"),
    (
        "data check data_dir=.",
        3,
        "holds none of e2e, webnlg, dart, xsum, e2e_cleaned, webnlg_2020; `prefixrun data download",
    ),
    ("data check task=mine data_dir=.", 2, "task: no 'mine'"),
    ("data check", 2, "data_dir: is missing; prefixrun data check needs data_dir=VALUE"),
    ("data download data_dir=. task=mine", 2, "task=mine: nothing to download"),
    ("data look", 2, "data: is neither key=value nor a verb"),
    ("data", 2, "data: is neither key=value nor a verb"),
    ("diff RUN", 2, "B: is missing; prefixrun diff takes A B"),
    ("diff RUN RUN", 2, "both are run"),
    ("diff RUN zzz", 3, "run zzz: no finished run of results has this id; `prefixrun ls` lists them"),
    ("diff RUN OTHER C", 2, "C: is not key=value"),
    ("diff RUN OTHER examples=-1", 2, "examples=-1: must be a whole number"),
    ("diff RUN OTHER data_dir=nowhere", 2, "data_dir=nowhere: there is no such directory"),
    ("export run=a out=exported format=onnx", 2, "prefixrun: format=onnx: there are tensors, peft, cache, hub\n"),
    ("export run=a out=exported push=me/run", 2, "push=me/run: a model card and its files are uploaded"),
    ("generate text=x", 2, "give run=ID, or prefix=PATH with model=NAME"),
    ("generate run=a prefix=p text=x", 2, "give run=ID, or prefix=PATH with model=NAME"),
    ("generate run=a", 2, "give text=TEXT or file=FILE"),
    ("generate prefix=p text=x", 2, "model: is missing"),
    (
        "generate run=a text=x combine=multiply",
        2,
        "combine=multiply: there are concatenate, average, sum, keys_values",
    ),
    ("generate run=, text=x", 2, "run=,: has no value"),
    ("generate run=x text=x out=-", 2, "out=-: - is standard input, for hyp, against, refs, file; name a path"),
    ("generate run=a 'text= '", 2, "text: is blank"),
    ("generate run=a text=\udcff", 2, "text: has bytes that are not UTF-8"),
    ("inspect run=RUN examples=0", 2, "examples=0: must be a whole number from 1 to 1,000,000"),
    ("inspect run=RUN vocabulary=some", 2, "vocabulary=some: must be a whole number from 1 to 1,000,000 or all"),
    ("inspect run=RUN data_dir=nowhere", 2, "data_dir=nowhere: there is no such directory"),
    ("inspect run=zzz", 3, "run zzz: no finished run of results has this id"),
    ("inspect run=RUN,RUN", 2, "names a run twice"),
    ("ls tsk=e2e", 2, "tsk: no run has a key of this name; did you mean task?"),
    ("ls sort=-BLUE", 2, "BLUE: no run has a key of this name; did you mean BLEU?"),
    ("ls columns=id,sede", 2, "sede: no run has a key of this name; did you mean seed?"),
    ("ls e2e", 2, "e2e: is not key=value"),
    ("ls task=", 2, "task=: has no value; task=null means runs without one"),
    ("ls task=e2e task=dart", 2, "task=dart: task is given twice; task=VALUE,VALUE means any of several"),
    ("ls results_dir=nowhere", 2, "results_dir=nowhere: there is no such directory"),
    ("params prefix_len=5 budget=1%", 2, "prefixrun: prefix_len=5: budget=1% chooses it; give one of them\n"),
    ("params prefx_len=5", 2, "prefixrun: prefx_len=5: there is no key prefx_len; did you mean prefix_len?\n"),
    ("report results_dir=nowhere", 2, "results_dir=nowhere: there is no such directory"),
    ("report data_dir=nowhere", 2, "data_dir=nowhere: there is no such directory"),
    ("report out=nowhere/report.html", 2, "nowhere is no directory; make it first"),
    ("reproduce experiment=", 2, "experiment=: has no value; give a value, or leave experiment out"),
    ("score task=e2 hyp=h", 2, "prefixrun: task=e2: no metrics are defined for it"),
    ("score task=e2e hyp=h refs=r split=dev", 2, "prefixrun: refs=r: data_dir and split name references too"),
    ("score task=e2e hyp=h refs=r data.verify=off", 2, "prefixrun: refs=r: data_dir and split name references too"),
    (
        "score task=e2e hyp=h bootstrap=many",
        2,
        "prefixrun: bootstrap=many: must be a whole number from 0 to 1,000,000",
    ),
    ("score task=e2e hyp=h bootstrap=5", 2, "prefixrun: bootstrap=5: is no number of draws"),
    ("score task=e2e hyp=h data.verify=no", 2, "prefixrun: data.verify=no: there are on, off"),
    ("score task=e2e spilt=dev", 2, "spilt=dev: prefixrun score has no key spilt; did you mean split?"),
    ("score task=e2e hyp=h split=tests", 2, "prefixrun: split=tests: there are train, dev, test\n"),
    ("tables version=v2", 2, "version=v2: must be one of v1, ACL"),
    ("tables seeds=1", 2, "seeds=1: must be a whole number from 2 to 1,000"),
    ("tables results_dir=nowhere", 2, "results_dir=nowhere: there is no such directory"),
    ("verify RUN regenerate=all", 2, "regenerate=all: must be a whole number"),
    ("verify RUN data_dir=nowhere", 2, "data_dir=nowhere: there is no such directory"),
    ("verify zzz", 3, "run zzz: no finished run of results has this id"),
]


@pytest.mark.parametrize(("line", "code", "message"), REFUSED, ids=[ascii(line)[1:-1][:60] for line, _, _ in REFUSED])
def test_what_a_verb_refuses_is_one_message_and_changes_nothing(
    run: Path, line: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_record(Path("results"), settings={"seed": 2})
    before = sorted(Path.cwd().rglob("*"))
    words = [word.replace("RUN", run.name[-12:]).replace("OTHER", other.name[-12:]) for word in shlex.split(line)]
    assert main(words) == code
    shown = capsys.readouterr()
    first, *more = shown.err.splitlines()
    assert (shown.out, first.startswith("prefixrun: "), bool(more)) == ("", True, " problems in " in first)
    assert message in shown.err
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        *(("report", "results_dir=.", "out"), ("ls", "results_dir=.", "json"), ("plan", "task=e2e", "json")),
        *(("diff", "a", "b", "json"), ("verify", "a", "json"), ("params", "model=tiny_gpt2", "json")),
        ("data", "check", "task=majority", "json"),
    ],
    ids=lambda words: words[0],
)
def test_a_place_that_cannot_hold_a_file_is_refused_before_anything_is_done(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    *others, key = words
    for place, said in (("none/file", "none is no directory; make it first"), (".", "is a directory; name a file")):
        assert main([*others, f"{key}={place}"]) == 2
        printed = capsys.readouterr()
        assert not printed.out
        assert printed.err.startswith(f"prefixrun: {key}={place}: {said}")

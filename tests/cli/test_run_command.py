"""Runs by the command: killed, terminated and held ones, and finished ones that are only shown."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

import model_directories
from held_run import held_by_another
from prefixrun.cli.main import main
from prefixrun.cli.run_command import _print_expected_time
from prefixrun.config.compose import compose
from prefixrun.data import load
from prefixrun.runs.run import Run
from prefixrun.training.interrupts import NOTICE
from synthetic_records import write_record

Start = Callable[..., "subprocess.Popen[str]"]

WAIT = 600
"""Seconds until a test gives up on a child; a busy machine needs some to import torch."""


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def model(request: pytest.FixtureRequest) -> str:
    return f"model={request.param}"


def the_run() -> Path:
    (run,) = Path("results", "runs").iterdir()
    return run


def outcome(run: Path) -> dict[str, object]:
    return {
        "prefix": (run / "prefix.safetensors").read_bytes(),
        "generations": (run / "generations.jsonl").read_bytes(),
        "scores": json.loads((run / "result.json").read_text())["scores"],
    }


def wait_for(happened: Callable[[], bool], child: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + WAIT
    while not happened():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end, "the child did not get there"
        time.sleep(0.005)


def saved_steps() -> int:
    """The newest checkpoint's step; 0 before there is one."""
    found = Path("results").glob("runs/*/checkpoints/step-*.safetensors")
    return max((int(path.stem.removeprefix("step-")) for path in found), default=0)


def test_a_generated_task_from_end_to_end(small: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model=tiny_llama", "profile=laptop", "task=shift_letters", "method=prefix_flat", "train.max_steps=2"]
    assert main([*command, "train.warmup_steps=0", "test_size=3", "decode=greedy", "decode.max_new_tokens=4"]) == 0
    printed = capsys.readouterr().out
    assert "data generated examples" in printed
    result = json.loads((the_run() / "result.json").read_text())
    assert (result["data_source"], result["n_inputs_available"]) == ("generated", 400)
    assert {"EM", "TER"} <= result["scores"].keys()
    assert main(["inspect", f"run={result['run_id']}", "examples=1", "vocabulary=9"]) == 0
    hyp = Path("hyp.txt")
    hyp.write_text("\n".join(example.references[0] for example in load("shift_letters", "dev", None).examples))
    assert main(["score", "task=shift_letters", "hyp=hyp.txt", "split=dev", "out=out.json"]) == 0
    assert "sample" not in capsys.readouterr().out
    scored = json.loads(Path("out.json").read_text())
    assert (scored["references"], scored["scores"]["EM"]["value"]) == ("generated", 100.0)


def test_the_command_from_end_to_end(
    model: str, small: tuple[str, ...], start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([model, *small]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    before = {path: path.read_bytes() for path in the_run().rglob("*") if path.is_file()}

    check = "import sys; from prefixrun.cli.main import main; code = main(sys.argv[1:]);"
    check += "sys.exit(code or 99 * bool({'torch', 'transformers'} & set(sys.modules)))"
    child = start("-c", check, model, *small)
    out, err = child.communicate(timeout=WAIT)
    assert (child.returncode, err) == (0, ""), "shown without importing torch"
    assert "it is shown as it is, nothing was computed" in out
    assert first.out[first.out.index("this run:") :] in out
    assert {path: path.read_bytes() for path in the_run().rglob("*") if path.is_file()} == before


LONG = ("train.max_steps=40", "train.epochs=20")
"""Enough steps for a signal to come in the middle on any machine."""


def test_a_terminated_run_saves_its_step_and_ends_with_the_same_bytes(small: tuple[str, ...], start: Start) -> None:
    # Checkpoints far apart: what is saved was saved because of the signal.
    command = ("model=tiny_llama", *small, *LONG, "train.checkpoint_every=1000")
    assert main([*command, "results_dir=whole"]) == 0
    (whole,) = Path("whole", "runs").iterdir()
    child = start("-m", "prefixrun", *command)
    wait_for(lambda: any("training 5/40" in path.read_text() for path in Path("results").glob("runs/*/run.log")), child)
    child.terminate()
    _, err = child.communicate(timeout=WAIT)
    terminated = "prefixrun: terminated; run the same command again to resume\n"
    assert (child.returncode, err) == (143, NOTICE.decode() + terminated)
    assert 5 <= saved_steps() < 40
    assert main(list(command)) == 0
    assert outcome(the_run()) == outcome(whole)


def written_outputs() -> int:
    found = list(Path("results").glob("runs/*/generations.jsonl"))
    return found[0].read_bytes().count(b"\n") if found else 0


def test_a_killed_run_ends_with_the_same_bytes(small: tuple[str, ...], start: Start) -> None:
    """Killed once while it trains and once while it decodes, as a process of its own."""
    command = ("model=tiny_llama", *small, *LONG, "train.checkpoint_every=1", "test_size=48", "decode.batch_size=1")
    assert main([*command, "results_dir=whole"]) == 0
    (whole,) = Path("whole", "runs").iterdir()
    for reached in (lambda: saved_steps() >= 3, lambda: written_outputs() >= 2):
        child = start("-m", "prefixrun", *command)
        wait_for(reached, child)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        child.communicate()
        assert not (the_run() / "result.json").exists()
    assert (the_run() / "holder.json").exists(), "what a killed holder leaves does not block the next"
    assert main(list(command)) == 0
    assert outcome(the_run()) == outcome(whole)
    assert "going on after step" in (the_run() / "run.log").read_text()
    assert not (the_run() / "holder.json").exists()


def test_a_run_of_another_process_is_left_alone(
    small: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as holders:

        class HeldRun(Run):
            """The run as it is, held by another process from the moment its directory is known."""

            def __init__(self, *given: object, **named: object) -> None:
                super().__init__(*given, **named)  # type: ignore[arg-type]
                self.directory.mkdir(parents=True)
                children.append(holders.enter_context(held_by_another(self.directory)))

        children: list[subprocess.Popen[bytes]] = []
        monkeypatch.setattr("prefixrun.runs.identity.Run", HeldRun)
        assert main(["model=tiny_llama", *small]) == 75
        (child,) = children
        shown, said = capsys.readouterr()
        assert shown == "", "it is told before the model is loaded"
        assert said.startswith(f"prefixrun: {the_run()}: this run is held by process {child.pid} on ")
        assert len(said.splitlines()) == 1
        assert sorted(path.name for path in the_run().iterdir()) == [".lock", "holder.json"]
        child.communicate(timeout=WAIT)  # its input ends, and with it the child


def test_a_local_model_directory(small: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = model_directories.save(tmp_path / "mine", "tiny_gpt2")
    assert main(["model=path", f"model.path={mine}", *small]) == 0
    result = json.loads((the_run() / "result.json").read_text())
    assert result["backbone"]["files"] == "local directory mine"
    assert str(tmp_path) not in json.dumps(result)

    assert main(["model=tiny_gpt2", *small, "results_dir=random"]) == 0
    (random,) = Path("random", "runs").iterdir()
    assert outcome(random) == outcome(the_run()), "the same weights from elsewhere"

    name = the_run().name.rpartition("-")[2]
    run, where = f"run={name}", f"model_path={mine}"
    uses = (["verify", name, where], ["generate", run, where, "text=x"], ["export", run, where, "out=x"])
    assert [main(use) for use in uses] == [0, 0, 0]
    model_directories.keys("tokenizer_config.json", model_max_length=5)(mine)
    capsys.readouterr()
    assert [main(use) for use in uses] == [5, 5, 5], "every file of the tokenizer counts"
    assert capsys.readouterr().err.count("nothing was loaded") == 2
    model_directories.text("model.safetensors", model_directories.POINTER)(mine)
    assert [main(use) for use in (*uses, ["model=path", f"model.path={mine}", *small])] == [0, 2, 2, 2]
    messages = capsys.readouterr()
    assert "not checked" in messages.out
    assert [line.endswith("run `git lfs pull` there") for line in messages.err.splitlines()] == [True] * 3


@pytest.mark.parametrize(
    ("finished", "line"),
    [
        (True, "about 3 min, as finished runs like it in results took; processors differ\n"),
        (False, "time not known yet: no finished run is like this one; its first steps will tell\n"),
    ],
)
def test_about_how_long_it_will_take_is_said_first(
    finished: bool, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if finished:
        write_record(Path("results"), settings={"train.accumulate": 1, "train.max_steps": 100})
    config = compose(["task=e2e", "train.max_steps=100", "train.epochs=9", "train.batch_size=16", "threads=1"])
    _print_expected_time(config, "cpu")
    assert capsys.readouterr().out == line


def test_the_papers_setting_on_a_processor_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefixrun.cli.run_command.estimate_run", lambda *_: 6e6)
    _print_expected_time(replace(compose(["task=e2e"]), profile="paper"), "cpu")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "about 69 days, as finished runs like it in results took; processors differ"
    assert said[1].startswith("warning: profile=paper on a CPU: ")
    assert said[1].endswith("takes about 69 days; profile=laptop is made for a CPU")
    _print_expected_time(replace(compose(["task=e2e"]), profile="paper"), "cuda")
    assert "warning" not in capsys.readouterr().out

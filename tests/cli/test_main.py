"""The command from outside: exit codes, one message for an error of the user, nothing left behind, a fast start."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkout import python
from prefixrun import SEMANTICS, __version__
from prefixrun.cli.main import main
from prefixrun.config.schema import Config
from prefixrun.errors import DataError, Interrupted, MissingPartError

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Config]]:
    """The configurations that reached the run, which fails as told by its prefix length."""
    seen: list[Config] = []
    fail: dict[int, Callable[[], object]] = {
        3: lambda: _raise(DataError("trainset.csv:7: 1 field for 2 columns")),
        4: lambda: _raise(MissingPartError("METEOR needs Java")),
        5: lambda: _raise(Interrupted("stopped")),
        6: lambda: os.kill(os.getpid(), signal.SIGTERM),
        7: lambda: os.kill(os.getpid(), signal.SIGINT),
        8: lambda: _raise(ZeroDivisionError("a defect")),
    }

    def run(config: Config, overrides: object, config_dir: Path | None, *, all_rows: bool) -> int:
        seen.append(config)
        fail.get(config.prefix_len, lambda: None)()
        return 0

    monkeypatch.setattr("prefixrun.cli.run_command.run", run)
    yield seen
    assert list(Path.cwd().iterdir()) == [], "the command itself leaves no files"


def _raise(error: Exception) -> None:
    raise error


def test_one_run(runs: list[Config]) -> None:
    assert main(["task=e2e", "prefix_len=10"]) == 0
    assert [config.prefix_len for config in runs] == [10]


@pytest.mark.parametrize(
    ("prefix_len", "code", "said"),
    [
        (3, 3, "prefixrun: trainset.csv:7: 1 field for 2 columns\n"),
        (4, 4, "prefixrun: METEOR needs Java\n"),
        (5, 130, "prefixrun: stopped\n"),
        (7, 130, "prefixrun: interrupted; run the same command again to resume\n"),
    ],
)
def test_errors_are_one_message_and_a_code(
    runs: list[Config], capsys: pytest.CaptureFixture[str], prefix_len: int, code: int, said: str
) -> None:
    assert main([f"prefix_len={prefix_len}"]) == code
    assert capsys.readouterr().err == said
    assert len(runs) == 1


def test_sigterm_ends_the_command_with_its_code(runs: list[Config], capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        main(["prefix_len=6"])
    assert caught.value.code == 143
    assert capsys.readouterr().err.startswith("prefixrun: terminated; run the same")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_defect_is_one_line_and_a_file_with_the_traceback(
    runs: list[Config], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["prefix_len=8"]) == 70
    message = capsys.readouterr().err
    assert message.startswith("prefixrun: a defect of the program: ZeroDivisionError: a defect; the traceback is in ")
    assert message.count("\n") == 1
    file = Path(message.rpartition(" is in ")[2].rstrip())
    assert file.parent == tmp_path / "cache" / "prefixrun"
    assert "in _raise" in file.read_text()
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prefx_len=5"], "prefx_len=5: there is no key prefx_len; did you mean prefix_len?"),
        (["+prefx_len=5"], "+prefx_len=5: there is no key prefx_len; did you mean prefix_len?"),
        (["-m", "prefx_len=1,0"], "prefx_len=1,0: there is no key prefx_len; did you mean prefix_len?"),
        (["scor"], "scor: is neither key=value nor a verb; did you mean score?"),
        (["task", "e2e"], "task: is neither key=value nor a verb; did you mean task=e2e?"),
        (["seed=1,2", "-m", "task=e2e", "plan"], "plan: is a verb, which stands first: prefixrun plan ..."),
        (["run", "task=e2e"], "run: is neither key=value nor a verb; leave it out"),
        (["score", "tsk=e2e", "hyp=x"], "2 problems in the configuration:"),
        (["--cfg", "job", "prefx_len=5"], "prefx_len=5: there is no key prefx_len; did you mean prefix_len?"),
        (["--config-name", "other"], "--config-path, --config-name: the files of prefixrun stay"),
        (["--resolve"], "--resolve, --package: say how --cfg job is printed"),
        (["--package", "task"], "--resolve, --package: say how --cfg job is printed"),
        (["--cfg", "job", "--experimental-rerun", "x.pickle"], "--experimental-rerun: the same command again"),
        (["--cfg", "nope"], "argument --cfg/-c: invalid choice: 'nope'"),
        (["--config-dir"], "argument --config-dir/-cd: expected one argument"),
        (["--nope"], "unrecognized arguments: --nope"),
        (["hydra/launcher=joblib"], "hydra/launcher=joblib: is for the runs of a sweep: add -m"),
        (["ls", "results_dir=~nosuchuser/x"], "results_dir=~nosuchuser/x: there is no home directory"),
    ],
)
def test_nothing_runs_when_the_command_is_wrong(
    runs: list[Config], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"prefixrun: {said}")
    assert runs == []


def test_the_command_prints_its_help_without_torch_or_hydra(tmp_path: Path) -> None:
    code = (
        "import sys; from prefixrun.cli.main import main; code = main(['--help']);"
        "sys.exit(code or bool({'torch', 'transformers', 'hydra'} & set(sys.modules)))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "train.lr" in done.stdout


def test_the_configuration_is_printed_from_any_directory(tmp_path: Path) -> None:
    done = python("-m", "prefixrun", "--cfg", "job", "profile=paper", "seed=7", cwd=tmp_path / "here")
    assert (done.returncode, done.stderr) == (0, "")
    assert "seed: 7\n" in done.stdout
    assert "hub: openai-community/gpt2-medium\n" in done.stdout
    assert "adam_beta1: 0.9\n" in done.stdout
    assert list((tmp_path / "here").iterdir()) == []


def test_shell_completion_can_be_installed_and_answers(tmp_path: Path) -> None:
    done = python("-m", "prefixrun", "-sc", "install=bash", cwd=tmp_path)
    assert done.returncode == 0
    assert "complete" in done.stdout
    typed = {"COMP_LINE": "prefixrun decode=beam5", "COMP_POINT": "22"}
    done = python("-m", "prefixrun", "-sc", "query=bash", cwd=tmp_path, **typed)
    assert done.stdout.split() == ["decode=beam5_modern", "decode=beam5_paper"]


def test_the_version_says_what_the_numbers_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"prefixrun {__version__} (semantics {SEMANTICS})\n"


def test_a_reader_that_goes_away_is_no_error(start: Start) -> None:
    with start("-m", "prefixrun", "--help") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait() == 141


def test_a_working_directory_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["seed=1"]) == 2
    assert capsys.readouterr().err.startswith("prefixrun: the working directory: cannot be read")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE=two: must be a whole number from 1 to 65,536"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2: is set without RANK, MASTER_ADDR, MASTER_PORT"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a"}, "WORLD_SIZE=2: is set without MASTER_PORT"),
        ({"WORLD_SIZE": "2", "RANK": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "RANK=2: must be a whole number"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "x"}, "MASTER_PORT=x: must be a whole"),
    ],
)
def test_leftover_variables_of_a_launcher_are_named(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["seed=1"]) == 2
    assert capsys.readouterr().err.startswith(f"prefixrun: {said}")


AS_ON_WINDOWS = """
import os, signal, sys
sys.modules |= {"fcntl": None, "resource": None}
del os.fork, os.sched_getaffinity, signal.SIGPIPE
import prefixrun.runs.lock, prefixrun.runs.provenance, prefixrun.sweeps.launchers
from prefixrun import SEMANTICS, __version__
from prefixrun.cli.main import main
sys.exit(main(["--version"]))
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="there is nothing to take away")
def test_the_command_starts_without_what_windows_does_not_have(tmp_path: Path) -> None:
    done = python("-W", "ignore", "-c", AS_ON_WINDOWS, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_sweep_whose_tracker_is_not_installed_is_refused_once_before_anything_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefixrun.tracking.find_spec", lambda package: None)
    assert main(["task=e2e", "tracker=tensorboard", "seed=1,2", "-m"]) == 4
    output = capsys.readouterr()
    assert (output.out, output.err.count("needs the package tensorboard")) == ("", 1)

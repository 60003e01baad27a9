"""One run over two processes: the same result as one, whichever of them began it, and an end for all."""

import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from checkout import python
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.runs.identity import find_run
from prefixrun.runs.run import Run
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.evaluator import Evaluator
from prefixrun.training.trainer import Trainer

SMALL = (
    *("init=random", "prefix_len=3", "train_size=10", "train.max_steps=4", "train.warmup_steps=0"),
    *("train.batch_size=4", "train.eval_examples=35", "train.checkpoint_every=1", "train.lr=0.01"),
    *("test_size=2", "decode=greedy", "decode.max_new_tokens=4", "threads=1"),
)
FLAT = ("model=tiny_gpt2", "method=prefix_flat")

pytestmark = pytest.mark.usefixtures("elsewhere")


def in_processes(*words: str, processes: int = 2, before: Callable[[int], None] = lambda rank: None) -> list[int]:
    """The exit codes of the command in as many processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    forks = multiprocessing.get_context("fork")
    started = [forks.Process(target=_one, args=(rank, processes, port, words, before)) for rank in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    codes = [process.exitcode for process in started]
    assert None not in codes, "a process did not end"
    return [code for code in codes if code is not None]


def _one(rank: int, size: int, port: int, words: tuple[str, ...], before: Callable[[int], None]) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    said = os.open(f"said-{rank}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    before(rank)
    sys.exit(main([*SMALL, *words]))


def said(rank: int) -> str:
    return Path(f"said-{rank}.txt").read_text()


def run_of(*words: str) -> Run:
    return find_run(compose([*SMALL, *words]))


def result_of(run: Run) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run.result_json.read_text())
    return result


def assert_equal_results(ours: Run, theirs: Run) -> None:
    """Adam divides by the size of the gradient, so where that is nothing but rounding, rounding moves a parameter."""
    assert ours.id == theirs.id
    for name, tensor in load_file(theirs.trained_file).items():
        torch.testing.assert_close(load_file(ours.trained_file)[name], tensor, rtol=1e-3, atol=1e-3)
    mine, its = result_of(ours), result_of(theirs)
    assert mine["scores"] == its["scores"]
    for one, other in zip(mine["training"]["history"], its["training"]["history"], strict=True):
        assert one == {key: pytest.approx(value, rel=1e-4) for key, value in other.items()}
    for key in ("train_tokens", "train_steps"):
        assert mine["costs"][key] == its["costs"][key]


@pytest.mark.parametrize(
    "words",
    [
        FLAT,
        ("model=tiny_llama", "method=prefix", "method.mid_dim=8", "train.loss_mode=sentence_sum", "train.accumulate=2"),
        ("model=tiny_bart", "method=prefix_flat", "method.prefix_dropout=0.2"),
        ("model=tiny_gpt2", "method=finetune", "train.lr=0.001"),
    ],
)
def test_two_processes_train_what_one_would(words: tuple[str, ...]) -> None:
    assert main([*SMALL, *words, "results_dir=one"]) == 0
    assert in_processes(*words, "results_dir=two") == [0, 0]
    one, two = run_of(*words, "results_dir=one"), run_of(*words, "results_dir=two")
    assert_equal_results(two, one)
    assert [result_of(run)["provenance"]["processes"] for run in (one, two)] == [1, 2]
    assert said(1) == "", "the first process speaks for both"
    assert two.log.read_text().count("step 4: train loss") == 1


def test_a_batch_with_fewer_rows_than_processes_is_shared_too() -> None:
    """The epoch's third batch has two rows, and three processes take part."""
    assert main([*SMALL, *FLAT, "results_dir=one"]) == 0
    assert in_processes(*FLAT, "results_dir=three", processes=3) == [0, 0, 0]
    assert_equal_results(run_of(*FLAT, "results_dir=three"), run_of(*FLAT, "results_dir=one"))


def test_a_finished_run_is_shown_by_the_first_alone() -> None:
    assert main([*SMALL, *FLAT]) == 0
    before = run_of(*FLAT).result_json.read_bytes()
    assert in_processes(*FLAT) == [0, 0]
    assert "BLEU" in said(0)
    assert said(1) == ""
    assert run_of(*FLAT).result_json.read_bytes() == before


def signal_after(step: int, number: int, whom: int, rank: int) -> None:
    """Let process `whom` receive a signal twice, as under torchrun, after a step."""
    if rank != whom:
        return
    count = Trainer._record_step

    def signalled(self: Trainer, *arguments: Any) -> float:
        if self.progress.step + 1 == step:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
        return count(self, *arguments)

    Trainer._record_step = signalled  # type: ignore[method-assign]


@pytest.mark.parametrize("whom", [0, 1])
def test_a_signal_to_one_ends_both_and_one_process_goes_on(whom: int) -> None:
    assert main([*SMALL, *FLAT, "results_dir=one"]) == 0

    def before(rank: int) -> None:
        signal_after(2, signal.SIGTERM, whom, rank)

    assert in_processes(*FLAT, "results_dir=two", before=before) == [143, 143]
    stopped = run_of(*FLAT, "results_dir=two")
    assert stopped.state() == "interrupted"
    saved, _ = Checkpoints(stopped.checkpoints, stopped.id).latest()
    assert saved is not None
    assert saved.step == 2
    assert main([*SMALL, *FLAT, "results_dir=two"]) == 0
    assert_equal_results(stopped, run_of(*FLAT, "results_dir=one"))
    assert result_of(stopped)["provenance"]["processes"] == 2


def test_two_processes_go_on_from_what_one_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main([*SMALL, *FLAT, "results_dir=one"]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_record_step", Trainer._record_step)
        signal_after(2, signal.SIGINT, 0, 0)
        assert main([*SMALL, *FLAT, "results_dir=two"]) == 130
    assert (run_of(*FLAT, "results_dir=two").checkpoints / "step-00000001.safetensors").exists()
    assert in_processes(*FLAT, "results_dir=two") == [0, 0]
    assert_equal_results(run_of(*FLAT, "results_dir=two"), run_of(*FLAT, "results_dir=one"))


def test_a_training_that_diverges_ends_in_all() -> None:
    words = (*FLAT, "train.lr=1e30")
    assert in_processes(*words) == [6, 6]
    assert "the loss is not a number; training has diverged, try train.lr=3e+29" in said(0)
    assert run_of(*words).state() == "diverged"


def test_a_process_that_dies_ends_the_other_with_a_reason() -> None:
    def before(rank: int) -> None:
        if rank == 1:
            Evaluator.evaluate = lambda self, progress, is_last: os._exit(9)  # type: ignore[method-assign]

    assert in_processes(*FLAT, before=before) == [1, 9]
    assert "another process of this run has ended early" in said(0)
    assert "another process of this run has ended early" in str(run_of(*FLAT).failure())


def test_a_wrong_run_ends_both() -> None:
    codes = in_processes(*FLAT, "decode.max_new_tokens=2000")
    assert codes == [2, 0]
    assert "tiny_gpt2 has 1024" in said(0)
    assert said(1) == ""


def test_a_sweep_is_not_for_torchrun() -> None:
    assert in_processes("-m", "seed=1,2") == [2, 2]
    assert "-m: torchrun starts several processes for one run" in said(0)


@pytest.mark.slow
def test_torchrun_starts_it() -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    done = python(*torchrun, "-m", "prefixrun", *SMALL, *FLAT, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert result_of(run_of(*FLAT))["provenance"]["processes"] == 2

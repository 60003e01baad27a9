"""prefixrun tune on a tiny model: trials, the recipe, and the command that it prints."""

import builtins
import shlex
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from prefixrun.cli.main import main
from prefixrun.training.trainer import Trainer
from small_run import SMALL

WORDS = [*SMALL, "model=tiny_gpt2", "method=prefix_flat", "init=random", "train.lr=0.1"]
SPACE = "train.lr=tag(log,interval(1e-3,1))"

pytestmark = pytest.mark.usefixtures("elsewhere")


def tune(*words: str) -> int:
    return main(["tune", *WORDS, *words])


@pytest.mark.needs("optuna")
def test_a_search_ends_with_a_recipe_whose_command_finishes_the_best_trial(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tune(SPACE, "train.warmup_steps=choice(0,2)", "trials=4") == 0
    said = capsys.readouterr().out
    assert "[1/4] train.lr=0.1 train.warmup_steps=0: dev loss " in said, "the first trial is what the settings say"
    assert "\n4 trials: " in said
    assert "\nbest: train.lr=" in said
    assert not list(Path("results", "runs").glob("*/result.json")), "nothing is decoded"

    monkeypatch.setattr(Trainer, "fit", None)  # nothing is trained again
    assert tune(SPACE, "train.warmup_steps=choice(0,2)", "trials=4") == 0
    again = capsys.readouterr().out
    assert again.partition("\n4 trials")[2] == said.partition("\n4 trials")[2]

    command = said.rpartition("next: ")[2].strip()
    assert command.startswith("prefixrun --config-dir results/tune/")
    assert main(shlex.split(command)[1:]) == 0
    shown = capsys.readouterr().out
    assert "recipe row/e2e-prefix_flat-tiny_gpt2-" in shown
    assert len(list(Path("results", "runs").glob("*/result.json"))) == 1


@pytest.mark.needs("optuna")
def test_the_printed_command_is_the_best_trial_where_the_method_has_a_budget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [word for word in WORDS if not word.startswith(("method=", "init="))]
    assert main(["tune", *words, "method=adapter_small", "method.bottleneck=choice(3,5)", "trials=2"]) == 0
    command = capsys.readouterr().out.rpartition("next: ")[2]
    assert main(shlex.split(command)[1:]) == 0
    assert len(list(Path("results", "runs").iterdir())) == 2, "the run of a trial, and no third one"


@pytest.mark.needs("optuna")
def test_one_that_diverges_is_no_best(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Trainer._backward

    def rising(self: Trainer, *rest: Any) -> tuple[list[Tensor], list[float]]:
        losses, weights = backward(self, *rest)
        return [loss * (9 if self.progress.step else 1) for loss in losses], weights

    monkeypatch.setattr(Trainer, "_backward", rising)
    assert tune(SPACE, "trials=2") == 6
    said = capsys.readouterr()
    assert "[1/2] train.lr=0.1: diverged: step 4: the training loss is " in said.out
    assert "2 trials: 2 diverged" in said.out
    assert "no trial has a development loss" in said.err
    assert main(["ls", "state=diverged"]) == 0
    assert "2 of 2 runs" in capsys.readouterr().out


@pytest.mark.needs("optuna")
def test_a_sweep_by_optuna_does_whole_runs_and_skips_those_that_are_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["-m", *WORDS, SPACE, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2"]
    assert main([*WORDS]) == 0
    capsys.readouterr()
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "[1/2] train.lr=0.1: dev loss " in said
    assert "2 trials: 2 complete" in said
    assert len(list(Path("results", "runs").glob("*/result.json"))) == 2
    monkeypatch.setattr(Trainer, "fit", None)
    assert main(words) == 0
    assert main(shlex.split(said.rpartition("next: ")[2])[1:]) == 0
    assert "was finished" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["hydra/launcher=joblib", "hydra.sweeper.sampler=x", "hydra.sweeper.n_trials=0"])
def test_other_settings_of_the_sweeper_are_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", *WORDS, SPACE, "hydra/sweeper=optuna", word]) == 2
    assert word in capsys.readouterr().err


def test_without_optuna_the_message_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_module = builtins.__import__

    def without_optuna(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("optuna"):
            raise ImportError(name)
        return import_module(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_optuna)
    assert tune(SPACE) == 4
    assert "optuna: is not installed; run: pip install 'prefixrun[tune]'" in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []

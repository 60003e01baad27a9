"""Two generations of checkpoints: whole again after any kill, refused when damaged."""

from pathlib import Path

import pytest
import torch

from prefixrun.errors import DamagedStateError
from prefixrun.training.checkpoint import INDEX, Checkpoint, Checkpoints, load_state, state_tensors


def at(step: int) -> Checkpoint:
    tensors = {"a": torch.full((2, 3), float(step)), "count": torch.tensor(step), "half": torch.ones(2).bfloat16()}
    return Checkpoint(step, tensors, {"step": step, "history": [{"loss": 0.1 + 0.2}]})


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run" / "checkpoints")


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.directory.iterdir())


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_nothing_there_and_nothing_written(checkpoints: Checkpoints) -> None:
    assert checkpoints.latest() == (None, [])
    assert not checkpoints.directory.exists()


def test_what_was_saved_comes_back_to_the_bit(checkpoints: Checkpoints) -> None:
    checkpoints.save(at(7))
    restored, problems = checkpoints.latest()
    assert restored is not None
    assert problems == []
    assert (restored.step, restored.values) == (7, at(7).values)
    assert restored.tensors.keys() == at(7).tensors.keys()
    for name, tensor in at(7).tensors.items():
        assert restored.tensors[name].dtype == tensor.dtype
        assert torch.equal(restored.tensors[name], tensor)


def test_tensors_of_a_training_can_be_saved_as_they_are(checkpoints: Checkpoints) -> None:
    parameter = torch.nn.Parameter(torch.arange(6.0).view(2, 3))
    checkpoints.save(Checkpoint(1, {"turned": parameter.T}, {}))
    restored, _ = checkpoints.latest()
    assert restored is not None
    assert torch.equal(restored.tensors["turned"], parameter.detach().T)


@pytest.mark.parametrize(
    ("steps", "kept"),
    [((5, 10, 15), (10, 15)), ((5, 10, 10), (5, 10))],
    ids=["the last two", "a step that is saved again replaces itself"],
)
def test_which_steps_are_kept(checkpoints: Checkpoints, steps: tuple[int, ...], kept: tuple[int, ...]) -> None:
    for step in steps:
        checkpoints.save(at(step))
    assert names(checkpoints) == [INDEX, *(f"step-{step:08d}.safetensors" for step in kept)]


def test_leftovers_of_a_kill_before_the_index_was_written(checkpoints: Checkpoints) -> None:
    checkpoints.save(at(5))
    stray = checkpoints.directory / "step-00000009.safetensors"
    stray.write_bytes(b"half")
    restored, problems = checkpoints.latest()
    assert restored is not None
    assert (restored.step, problems) == (5, [])
    checkpoints.save(at(6))
    assert not stray.exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (damage, "has changed since it was written; it is left out"),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), "has changed since it was written; it is left out"),
        (lambda path: path.unlink(), "is not there"),
    ],
)
def test_a_damaged_newest_falls_back_to_the_older(checkpoints: Checkpoints, how, said: str) -> None:  # type: ignore[no-untyped-def]
    checkpoints.save(at(5))
    checkpoints.save(at(10))
    newest = checkpoints.directory / "step-00000010.safetensors"
    how(newest)
    restored, problems = checkpoints.latest()
    assert restored is not None
    assert restored.step == 5
    assert problems == [f"{newest}: {said}"]


def test_both_damaged_is_an_error_that_names_both(checkpoints: Checkpoints) -> None:
    for step in (5, 10):
        checkpoints.save(at(step))
    files = [checkpoints.directory / f"step-{step:08d}.safetensors" for step in (5, 10)]
    for path in files:
        damage(path)
    with pytest.raises(DamagedStateError) as caught:
        checkpoints.latest()
    message = str(caught.value)
    assert all(str(path) in message for path in files)
    assert message.endswith(f"delete {checkpoints.directory} to train again from the start")


@pytest.mark.parametrize("content", ["{}", '["step"]', "[{}]", "[", ""])
def test_a_damaged_index_is_an_error(checkpoints: Checkpoints, content: str) -> None:
    checkpoints.save(at(5))
    (checkpoints.directory / INDEX).write_text(content)
    with pytest.raises(DamagedStateError, match=INDEX):
        checkpoints.latest()


def test_removing_leaves_nothing_of_them(checkpoints: Checkpoints) -> None:
    for step in (5, 10):
        checkpoints.save(at(step))
    checkpoints.remove()
    assert names(checkpoints) == []
    assert checkpoints.latest() == (None, [])
    checkpoints.remove()


def test_a_module_its_optimiser_and_its_best_state_go_into_one_mapping_and_back() -> None:
    def trained(seed: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(seed)
        module = torch.nn.Linear(2, 1)
        optimiser = torch.optim.AdamW(module.parameters())
        module(torch.randn(3, 2)).sum().backward()
        optimiser.step()
        return module, optimiser

    module, optimiser = trained(0)
    tensors = state_tensors(module, optimiser, {"a/b": torch.tensor(3.0)})
    assert {"parameter/weight", "adam/0/exp_avg", "adam/1/step", "best/a/b"} < tensors.keys()
    other, its_optimiser = trained(1)
    best = load_state(other, its_optimiser, tensors)
    assert best == {"a/b": torch.tensor(3.0)}
    again = state_tensors(other, its_optimiser, best)
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())

"""Both sides compute the same: otherwise their speeds could not be compared."""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import loses_prefix
from benchmarks.plan import Plan
from benchmarks.sides import Setup, evenly_spaced

pytest.importorskip("peft", reason="the peer of the benchmark needs peft")
pytest.importorskip("accelerate", reason="the peer of the benchmark needs accelerate")

if loses_prefix():
    pytest.skip("PEFT loses its prefix with this transformers, and the benchmark says so", allow_module_level=True)

PAIRS = 12
TINY = "tiny_llama"
PLAN = Plan(model=TINY, prepare_steps=2, train_pairs=PAIRS, train_batch=PAIRS, decode_inputs=6, max_new_tokens=8)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    from benchmarks.ours import prepare

    return prepare(PLAN, str(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def peer(setup: Setup) -> Any:
    from benchmarks.peer import Peer

    return Peer(setup)


def test_the_setup_holds_whole_inputs_and_prompts_by_length(setup: Setup) -> None:
    targets: dict[tuple[int, ...], int] = {}
    for pair in setup.pairs:
        targets[pair.source] = targets.get(pair.source, 0) + 1
    assert list(targets.values()) == [2] * (PAIRS // 2)  # the sample corpus has two references an input
    assert setup.pair_tokens == sum(len(pair.source) + len(pair.target) for pair in setup.pairs)
    lengths = [len(prompt) for prompt in setup.prompts]
    assert len(lengths) == PLAN.decode_inputs
    assert lengths == sorted(lengths)
    assert (Path(setup.directory) / "model.safetensors").is_file()


@pytest.mark.parametrize("targets_per_row", [1, 8])
def test_the_same_batch_has_the_same_loss(setup: Setup, peer: Any, targets_per_row: int) -> None:
    from benchmarks.ours import Ours

    ours = Ours(setup, targets_per_row).train(PAIRS)
    theirs = peer.train(PAIRS)
    assert ours.steps == theirs.steps == 1
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)


def test_every_round_starts_from_the_same_prefix(setup: Setup, peer: Any) -> None:
    from benchmarks.ours import Ours

    ours = Ours(setup)
    assert ours.train(PAIRS).loss == ours.train(PAIRS).loss
    assert peer.train(PAIRS).loss == peer.train(PAIRS).loss


def test_the_same_prefix_gives_the_same_outputs(setup: Setup, peer: Any) -> None:
    from benchmarks.ours import Ours

    ours = Ours(setup).decode(setup.prompts, 4)
    theirs = peer.decode(setup.prompts, 4)
    assert ours.outputs == theirs.outputs
    assert len(set(ours.outputs)) > 1


def test_items_are_spread_over_all() -> None:
    assert evenly_spaced(range(630), 3) == range(0, 630, 210)
    assert list(evenly_spaced("abcdefg", 3)) == ["a", "c", "e"]
    assert evenly_spaced("ab", 3) == "ab"

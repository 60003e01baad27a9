"""Both sides compute the same: otherwise their speeds could not be compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import loses_prefix
from benchmarks.plan import Plan
from benchmarks.sides import Setup, evenly_spaced

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.loading import load

pytest.importorskip("peft", reason="the peer of the benchmark needs peft")
pytest.importorskip("accelerate", reason="the peer of the benchmark needs accelerate")

if loses_prefix():
    pytest.skip("PEFT loses its prefix with this transformers, and the benchmark says so", allow_module_level=True)

PAIRS = 12
TINY = "tiny_llama"
TINY_GPT2 = ModelConfig(name="tiny_gpt2", source="random", architecture="tiny_gpt2")
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


def test_lora_is_trained_on_both_sides(setup: Setup) -> None:
    from benchmarks.ours import Ours
    from benchmarks.peer import Peer

    ours, theirs = Ours(setup, method="lora").train(PAIRS), Peer(setup, "lora").train(PAIRS)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)  # an update begins as zero


def test_whether_the_peer_reads_its_prefix(peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert peer.reads_prefix()
    monkeypatch.setattr(type(peer), "_set_prefix", lambda self, scale=1.0: None)
    assert not peer.reads_prefix()


def test_the_same_prefix_gives_the_same_outputs(setup: Setup, peer: Any) -> None:
    from benchmarks.ours import Ours
    from benchmarks.peer import Peer

    ours = Ours(setup).decode(setup.prompts, 4)
    theirs = peer.decode(setup.prompts, 4)
    assert ours.outputs == theirs.outputs == Peer(setup, is_static=True).decode(setup.prompts, 4).outputs
    assert len(set(ours.outputs)) > 1


def test_items_are_spread_over_all() -> None:
    assert evenly_spaced(range(630), 3) == range(0, 630, 210)
    assert list(evenly_spaced("abcdefg", 3)) == ["a", "c", "e"]
    assert evenly_spaced("ab", 3) == "ab"


def test_a_model_of_an_exact_shape_needs_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import ours

    asked = []
    monkeypatch.setattr(ours, "load", lambda config, **settings: asked.append((config, settings)) or load(TINY_GPT2))
    assert not ours.load_model(Plan(model="gpt2_medium", weights="random", device="cuda")).is_seq2seq
    ((config, settings),) = asked
    assert (config.source, config.architecture) == ("random", "gpt2_medium")
    assert settings == {"device": "cuda", "precision": "fp32"}


def test_the_curve_of_an_encoder_decoder_is_refused() -> None:
    from benchmarks.ours import load_model

    with pytest.raises(ConfigError, match="model=tiny_bart: an encoder-decoder; the curve measures decoder-only"):
        load_model(Plan(part="curve", model="tiny_bart"))


def test_lora_of_an_encoder_decoder_is_trained_on_both_sides(tmp_path: Path) -> None:
    from benchmarks.ours import Ours, prepare
    from benchmarks.peer import Peer

    setup = prepare(replace(PLAN, model="tiny_bart"), str(tmp_path))
    assert sorted(setup.prefix) == ["cross", "decoder", "encoder"]
    peer = Peer(setup, "lora")
    for module in peer.model.modules():  # prefixrun's frozen model has no dropout in training either
        for name in ("dropout", "activation_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    assert Ours(setup, method="lora").train(PAIRS).loss == pytest.approx(peer.train(PAIRS).loss, rel=1e-5)

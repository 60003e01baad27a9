"""The loss on plain prose with and without a trained method."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

import tiny_families
from prefixrun.config.compose import compose
from prefixrun.data.plain_text import passages
from prefixrun.methods import build, prompt, restore
from prefixrun.methods.base import Method
from prefixrun.models.tokenizer import Tokenizer
from prefixrun.runs.forgetting import LONGEST, _pairs, forgetting
from prefixrun.training.batch_loss import mean_nll

METHODS = {
    "prefix_flat": (),
    "embedding": (),
    "infix": (),
    "lora": ("method.rank=1",),
    "adapter": ("method.bottleneck=4",),
    "finetune": (),
}


@torch.no_grad()
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_loss_of_the_model_by_itself_is_the_librarys(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    ids = torch.tensor([backbone.tokenizer.text(passage)[:LONGEST] for passage in passages()])
    expected = cross_entropy(backbone.model(ids).logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    measured = forgetting(compose(["model=tiny_gpt2", "method=finetune"]), backbone, Method())
    assert measured is not None
    assert measured["tokens"] == 6 * (LONGEST - 1)
    assert measured["before"] == pytest.approx(float(expected), rel=1e-5)
    assert measured["after"] == measured["before"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_measured(method: str) -> None:
    backbone = tiny_families.backbone_of("llama")
    config = compose(["model=tiny_llama", f"method={method}", *METHODS[method]])
    trained = build(config, backbone)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter += 0.3
    measured = forgetting(config, backbone, trained.eval())
    assert measured is not None
    assert measured["after"] != pytest.approx(measured["before"], abs=1e-3)


def test_a_prompt_is_measured_too() -> None:
    backbone = tiny_families.backbone_of("gpt2")
    config = compose(["model=tiny_gpt2", "method=prompt"])
    measured = forgetting(config, backbone, restore(config, backbone, {prompt.NAME: torch.tensor([5, 6, 7])}))
    assert measured is not None
    assert measured["after"] != measured["before"]


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_an_encoder_reads_half_of_a_passage(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    measured = forgetting(compose(["model=tiny_bart", "method=finetune"]), backbone, Method())
    assert measured is not None
    assert measured["tokens"] == 6 * LONGEST // 2


def test_a_prefix_that_leaves_no_room_is_not_measured() -> None:
    backbone = tiny_families.backbone_of("gpt2")
    config = replace(compose(["model=tiny_gpt2", "method=prefix_flat"]), prefix_len=511)
    assert forgetting(config, backbone, Method()) is None
    measured = forgetting(replace(config, prefix_len=500), backbone, Method())
    assert measured is not None
    assert measured["tokens"] == 6 * 11


def test_behind_a_prompt_a_passage_has_a_token_in_front_of_what_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt stands behind the token that sequences begin with; what a passage loses does not depend on the others
    in its batch."""
    backbone = tiny_families.backbone_of("llama")
    monkeypatch.setattr(Tokenizer, "begin", (1,))  # as Llama 3 has
    config = compose(["model=tiny_llama", "method=prompt"])
    method = restore(config, backbone, {prompt.NAME: torch.tensor([5, 6, 7])})
    pairs = _pairs(backbone, method, 20)
    assert {len(pair.source) for pair in pairs} == {2}
    alone = [mean_nll(method, backbone, [pair]) for pair in pairs]
    assert mean_nll(method, backbone, pairs) == pytest.approx(sum(alone) / len(alone), abs=1e-4)


def test_an_encoder_reads_less_of_a_passage_behind_a_long_prompt() -> None:
    backbone = tiny_families.backbone_of("bart")
    context = backbone.shape.context
    assert context is not None
    frame = len(backbone.tokenizer.begin) + len(backbone.tokenizer.source_end)
    config = compose(["model=tiny_bart", "method=prompt"])
    method = restore(config, backbone, {prompt.NAME: torch.full((context - frame - 10,), 5)})
    measured = forgetting(config, backbone, method)
    assert measured is not None
    assert measured["tokens"] == 6 * 10

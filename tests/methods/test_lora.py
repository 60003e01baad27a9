"""LoRA: which projections, how many numbers, and that a plain PEFT model computes the same."""

import sys
import warnings
from typing import Any

import pytest
import torch

from prefixrun import methods
from prefixrun.config.schema import Config
from prefixrun.errors import MissingPartError
from prefixrun.methods.lora import LoRA
from prefixrun.methods.parameter_count import count
from prefixrun.models.architectures import random_model
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.skeleton import skeleton
from prefixrun.runs.configure import compose

IDS = torch.tensor([[5, 6, 7, 8]])
RANK = 3

peft = pytest.importorskip("peft", reason="the extra peft is not installed")


def config(*changes: str) -> Config:
    return compose(["method=lora", *changes])


@pytest.mark.parametrize(
    ("architecture", "modules", "numbers"),
    [
        # For each layer and rank: 2d of every projection from d to d, 5d of those to and from the inner width 4d.
        ("gpt2_medium", "qv", 24 * 2 * 2 * 1024),
        ("gpt2_medium", "attention", 24 * 4 * 2 * 1024),
        ("gpt2_medium", "all", 24 * (4 * 2 + 2 * 5) * 1024),
        # Grouped queries: 576 to 576 and to 3 heads of 64.
        ("smollm2_135m", "qv", 30 * (2 * 576 + 576 + 192)),
        ("smollm2_135m", "all", 30 * (2 * 2 * 576 + 2 * (576 + 192) + 3 * (576 + 1536))),
        # One attention in an encoder's layer, two in a decoder's.
        ("bart_large", "qv", 12 * 3 * 2 * 2 * 1024),
        ("bart_large", "all", 12 * (3 * 4 * 2 + 2 * 2 * 5) * 1024),
        ("t5_base", "qv", 12 * 3 * 2 * 2 * 768),
        ("t5_base", "all", 12 * (3 * 4 * 2 + 2 * 2 * 5) * 768),
    ],
)
def test_numbers_of_one_rank(architecture: str, modules: str, numbers: int) -> None:
    for rank in (1, 4):
        words = (f"model={architecture}", f"method.lora_modules={modules}", f"method.rank={rank}")
        sized = config(*words)
        counted = count(sized, skeleton(sized.model))
        assert counted.trained == counted.stored == rank * numbers


def started(backbone: Backbone, *changes: str) -> LoRA:
    """With updates that are not zero."""
    method = methods.build(config(f"method.rank={RANK}", *changes), backbone)
    assert isinstance(method, LoRA)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return method


PEER_MODULES = {
    "tiny_llama": {"qv": ["q_proj", "v_proj"], "all": "all-linear"},
    "tiny_bart": {"qv": ["q_proj", "v_proj"], "all": "all-linear"},
    "tiny_t5": {"qv": ["q", "v"], "all": "all-linear"},
}


def peer_of(architecture: str, settings: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # of PEFT's own calls of transformers
        return peft.get_peft_model(random_model(architecture), settings).eval()


def logits_of(model: Any) -> torch.Tensor:
    inputs = {"decoder_input_ids": IDS} if model.config.is_encoder_decoder else {}
    logits: torch.Tensor = model(input_ids=IDS, use_cache=False, **inputs).logits
    return logits


@pytest.mark.parametrize("modules", ["qv", "all"])
@pytest.mark.parametrize("architecture", PEER_MODULES)
def test_logits_and_gradients_are_those_of_peft(architecture: str, modules: str) -> None:
    backbone = load(compose([f"model={architecture}"]).model)
    method = started(backbone, f"method.lora_modules={modules}", "method.lora_alpha=5")
    settings = peft.LoraConfig(r=RANK, lora_alpha=5, target_modules=PEER_MODULES[architecture][modules])
    if settings.target_modules == "all-linear":
        settings.task_type = "SEQ_2_SEQ_LM" if backbone.is_seq2seq else "CAUSAL_LM"  # leaves the output layer alone
    peer = peer_of(architecture, settings)
    stored = {f"base_model.model.{name}": tensor for name, tensor in method.trained_tensors().items()}
    assert peft.get_peft_model_state_dict(peer).keys() == stored.keys()
    peft.set_peft_model_state_dict(peer, stored)
    with method.attach(backbone):
        ours = logits_of(backbone.model)
    theirs = logits_of(peer)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours.pow(2).mean().backward()
    theirs.pow(2).mean().backward()
    gradients = {name: p.grad for name, p in peer.named_parameters() if p.requires_grad}
    for parameter, expected in zip(method.parameters(), gradients.values(), strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-4, atol=1e-6)


def test_gpt2_updates_queries_and_values_as_peft_does_with_a_joint_update_without_the_keys() -> None:
    """Stacked: A of both parts above each other, B of each in its own rows and columns, those of the keys zero."""
    backbone = load(compose(["model=tiny_gpt2"]).model)
    method = started(backbone)
    settings = peft.LoraConfig(
        r=2 * RANK, lora_alpha=4 * RANK, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"
    )
    peer = peer_of("tiny_gpt2", settings)
    stored, joint = method.trained_tensors(), {}
    for layer in (0, 1):
        name = f"transformer.h.{layer}.attn.c_attn"
        a = [stored[f"{name}.{part}.lora_A.weight"] for part in "qv"]
        b = [stored[f"{name}.{part}.lora_B.weight"] for part in "qv"]
        joint[f"base_model.model.{name}.lora_A.weight"] = torch.cat(a)
        keys, empty = torch.zeros(32, 2 * RANK), torch.zeros(32, RANK)
        rows = [torch.cat([b[0], empty], dim=1), keys, torch.cat([empty, b[1]], dim=1)]
        joint[f"base_model.model.{name}.lora_B.weight"] = torch.cat(rows)
    peft.set_peft_model_state_dict(peer, joint)
    with method.attach(backbone):
        ours = logits_of(backbone.model)
    theirs = logits_of(peer)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours.pow(2).mean().backward()
    theirs.pow(2).mean().backward()
    place = peer.base_model.model.transformer.h[1].attn.c_attn
    gradient = torch.cat([method.updates[index]["lora_A"].weight.grad for index in (2, 3)])  # type: ignore[index]
    torch.testing.assert_close(gradient, place.lora_A["default"].weight.grad, rtol=1e-4, atol=1e-6)
    whole = place.lora_B["default"].weight.grad
    expected = torch.cat([whole[:32, :RANK], whole[64:, RANK:]])
    gradient = torch.cat([method.updates[index]["lora_B"].weight.grad for index in (2, 3)])  # type: ignore[index]
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)


def test_the_start_changes_nothing(backbone: Backbone) -> None:
    plain = backbone.model(IDS).logits
    method = methods.build(config("method.rank=2"), backbone)
    with method.attach(backbone):
        torch.testing.assert_close(backbone.model(IDS).logits, plain, rtol=1e-5, atol=1e-5)


def test_dropout_is_on_only_while_training(backbone: Backbone) -> None:
    method = started(backbone, "method.lora_dropout=0.5")
    with method.attach(backbone):
        method.train()
        assert not torch.equal(backbone.model(IDS).logits, backbone.model(IDS).logits)
        method.eval()
        assert torch.equal(backbone.model(IDS).logits, backbone.model(IDS).logits)


def test_without_the_package_it_is_refused_at_the_start(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingPartError, match=r"method=lora: needs the package peft: pip install 'prefixrun\[peft\]'"):
        methods.refuse(config("method.rank=2"), backbone)

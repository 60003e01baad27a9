"""A method on a model that is used by itself: the library's forward pass and generate() against our own decoding."""

from __future__ import annotations

import copy
import gc
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError
from prefixrun.methods.attach import Attachment
from prefixrun.methods.base import Method
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.architectures import random_model
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.transformers_names import CACHE
from tiny_methods import drawn

DECODER_ONLY, ENCODER_DECODER = ("tiny_gpt2", "tiny_llama"), ("tiny_bart", "tiny_t5")
LAYOUTS = {"tiny_bart": "bart", "tiny_t5": "t5"}
GREEDY = DecodeConfig(name="test", beams=1, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=8)
TEXTS = ("name : Aromi", "a", "name : The Eagle | near : river")


def a_backbone(name: str) -> Backbone:
    layout: Any = LAYOUTS.get(name, "paper")
    return load(ModelConfig(name=name, source="random", architecture=name, layout=layout))  # type: ignore[arg-type]


@pytest.fixture(params=[*DECODER_ONLY, *ENCODER_DECODER])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return a_backbone(request.param)


@pytest.fixture
def plain(backbone: Backbone) -> PreTrainedModel:
    """Another copy of the model, as transformers loads it."""
    model = random_model(str(backbone.files.fingerprint).removeprefix("random:")).eval()
    model.set_attn_implementation("eager")
    return model


def padded(backbone: Backbone) -> tuple[Tensor, Tensor]:
    rows = [torch.tensor(backbone.tokenizer.source(text)) for text in TEXTS]
    longest = max(map(len, rows))
    ids, mask = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest, dtype=torch.long)
    for index, row in enumerate(rows):
        place = slice(0, len(row)) if backbone.is_seq2seq else slice(longest - len(row), None)
        ids[index, place], mask[index, place] = row, 1
    return ids, mask


def by_the_library(backbone: Backbone, model: PreTrainedModel, **settings: Any) -> list[list[int]]:
    ids, mask = padded(backbone)
    end = backbone.tokenizer.end
    settings = {"do_sample": False, "max_new_tokens": 8, "early_stopping": False, **settings}
    output = model.generate(input_ids=ids, attention_mask=mask, eos_token_id=end, pad_token_id=end, **settings)
    start = 1 if backbone.is_seq2seq else ids.shape[1]
    rows: list[list[int]] = output[:, start:].tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


@pytest.mark.parametrize(
    "settings", [{}, {"use_cache": False}, {"num_beams": 4}, {"num_beams": 3, "use_cache": False}], ids=str
)
def test_generate_of_the_library_sees_the_prefix(
    backbone: Backbone, plain: PreTrainedModel, settings: dict[str, Any]
) -> None:
    method = FixedPrefix(drawn(backbone, 3))
    config = replace(GREEDY, beams=settings.get("num_beams", 1))
    ours = generate(backbone, method, [backbone.tokenizer.source(text) for text in TEXTS], config)
    before = by_the_library(backbone, plain, **settings)
    assert before != ours
    with Attachment(method, "prefix", backbone, plain) as model:
        assert model is plain
        assert by_the_library(backbone, model, **settings) == ours
    assert by_the_library(backbone, plain, **settings) == before


def test_the_backbones_own_model_takes_it_too(backbone: Backbone) -> None:
    method = FixedPrefix(drawn(backbone, 3))
    ours = generate(backbone, method, [backbone.tokenizer.source(text) for text in TEXTS], GREEDY)
    with Attachment(method, "prefix", backbone) as model:
        assert by_the_library(backbone, model) == ours
    assert by_the_library(backbone, backbone.model) != ours


def test_several_sequences_of_an_input_and_sampling_see_it(backbone: Backbone, plain: PreTrainedModel) -> None:
    method = FixedPrefix(drawn(backbone, 3))
    with Attachment(method, "prefix", backbone, plain):
        several = by_the_library(backbone, plain, num_beams=4, num_return_sequences=2)
        best = by_the_library(backbone, plain, num_beams=4)
        sampled = by_the_library(backbone, plain, do_sample=True, top_k=1, num_return_sequences=2)
        greedy = by_the_library(backbone, plain)
    assert several[::2] == best
    assert sampled[::2] == sampled[1::2] == greedy


def test_logits_of_a_plain_forward_pass(backbone: Backbone, plain: PreTrainedModel) -> None:
    """Whole, and token by token with a cache; afterwards the model is as it was, to the bit."""
    if backbone.is_seq2seq:
        pytest.skip("its positions are not shifted")
    method = FixedPrefix(drawn(backbone, 3))
    ids = torch.tensor([backbone.tokenizer.source(TEXTS[2])])
    with torch.inference_mode():
        before = plain(ids).logits
        with method.attach(backbone):
            state = method.prefill(backbone, ids.tolist())
            ours = backbone.logits(state.hidden)[:, 0]
        with Attachment(method, "prefix", backbone, plain):
            whole = plain(ids).logits
            cache = None
            steps = []
            for index in range(ids.shape[1]):
                output = plain(input_ids=ids[:, index : index + 1], **{CACHE: cache}, use_cache=True)
                cache = output[CACHE]
                steps.append(output.logits)
        torch.testing.assert_close(whole[:, -1], ours, rtol=0, atol=1e-4)
        torch.testing.assert_close(torch.cat(steps, dim=1), whole, rtol=0, atol=1e-4)
        assert torch.equal(plain(ids).logits, before)


def test_it_stays_until_it_is_detached(backbone: Backbone, plain: PreTrainedModel) -> None:
    before = by_the_library(backbone, plain)
    attachment = Attachment(FixedPrefix(drawn(backbone, 3)), "prefix", backbone, plain)
    assert by_the_library(backbone, plain) != before
    attachment.detach()
    attachment.detach()
    assert by_the_library(backbone, plain) == before
    assert plain.config._attn_implementation == "eager"


@pytest.mark.parametrize("name", ["infix", "prompt"])
def test_methods_within_rows_are_refused(name: str) -> None:
    backbone = a_backbone("tiny_gpt2")
    with pytest.raises(ConfigError, match=f"method={name}: puts something behind or in front of each row's input"):
        Attachment(Method(), name, backbone, backbone.model)


def test_another_model_is_refused(backbone: Backbone, plain: PreTrainedModel) -> None:
    method, before = FixedPrefix(drawn(backbone, 3)), copy.deepcopy(plain.state_dict())
    others = {"tiny_gpt2": "tiny_llama", "tiny_llama": "tiny_gpt2", "tiny_bart": "tiny_t5", "tiny_t5": "tiny_bart"}
    other = random_model(others[str(backbone.files.fingerprint).removeprefix("random:")])
    with pytest.raises(ConfigError, match="is not the model of the run"):
        Attachment(method, "prefix", backbone, other)
    with torch.no_grad():
        next(plain.parameters()).add_(0.1)
    with pytest.raises(ConfigError, match="its weights are not those that the run was trained on"):
        Attachment(method, "prefix", backbone, plain)
    plain.load_state_dict(before)
    Attachment(method, "prefix", backbone, plain.to(torch.bfloat16)).detach()


@pytest.mark.parametrize("model", ["tiny_llama", "tiny_gpt2"])
def test_lora_stands_around_the_projections_of_the_copy(model: str) -> None:
    """In the dtype of the copy, and the copy alone changes."""
    config = compose([f"model={model}", "method=lora", "method.rank=2", "method.lora_dropout=0.5"])
    backbone = load(config.model)
    method = methods.build(config, backbone)
    for tensor in method.trained_tensors().values():
        tensor.copy_(torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0)) * 0.3)
    ids = torch.tensor([backbone.tokenizer.source(TEXTS[2])])
    with torch.no_grad(), method.eval().attach(backbone):
        expected = backbone.model(ids).logits
    half = copy.deepcopy(backbone.model).to(torch.bfloat16)
    with torch.no_grad():
        before, random_state = half(ids).logits, torch.random.get_rng_state()
        with Attachment(method, "lora", backbone, half):
            attached = half(ids).logits
        assert torch.equal(torch.random.get_rng_state(), random_state)
        assert torch.equal(half(ids).logits, before)
    assert (attached.float() - expected).abs().max() < 0.1 * (expected - before.float()).abs().max()


@pytest.mark.parametrize("name", ["prefix_flat", "adapter", "lora", "finetune", "embedding", "prefix_plus"])
def test_what_is_attached_leaves_the_runs_of_this_process_alone(name: str) -> None:
    """They share one model: another run once trained on it with an adapter attached, under the id of the plain one."""
    words = {"adapter": ["method.bottleneck=2"], "lora": ["method.rank=2"]}.get(name, [])
    config = compose(["model=tiny_llama", f"method={name}", *words])
    backbone = a_backbone("tiny_llama")
    method = methods.build(config, backbone)
    for parameter in method.parameters():
        nn.init.normal_(parameter, std=0.5)
    prompts = [backbone.tokenizer.source(text) for text in TEXTS]
    before = generate(backbone, method, prompts, GREEDY)
    plain = backbone.model(*padded(backbone)).logits
    attachment = Attachment(method, name, backbone)
    assert generate(backbone, method, prompts, GREEDY) == before
    assert torch.equal(backbone.model(*padded(backbone)).logits, plain)
    assert by_the_library(backbone, attachment.model) == before
    weights = {parameter.data_ptr() for parameter in backbone.model.parameters()}
    attachment.detach()
    assert {parameter.data_ptr() for parameter in attachment.model.parameters()} == weights, "the weights are shared"


def test_a_model_has_one_attachment_which_lasts_without_a_name(backbone: Backbone, plain: PreTrainedModel) -> None:
    """Detached out of order, two of them left a prefix on the model for good."""
    Attachment(FixedPrefix(drawn(backbone, 3)), "prefix", backbone, plain)
    gc.collect()
    with_prefix = by_the_library(backbone, plain)
    method = FixedPrefix(drawn(backbone, 3))
    assert with_prefix == generate(backbone, method, [backbone.tokenizer.source(text) for text in TEXTS], GREEDY)
    with pytest.raises(ConfigError, match="attached to this model already; call detach"):
        Attachment(method, "prefix", backbone, plain)
    assert by_the_library(backbone, copy.deepcopy(plain)) == with_prefix


def test_a_name_is_no_model(backbone: Backbone) -> None:
    with pytest.raises(ConfigError, match="attach: takes a model of transformers, not 'gpt2'"):
        Attachment(Method(), "prefix", backbone, "gpt2")  # type: ignore[arg-type]

"""Loaded backbones: frozen, from a directory or with random weights, in the asked format."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models import architectures
from prefixrun.models.backbone import Backbone
from prefixrun.models.families import shape_of
from prefixrun.models.loading import DTYPES, load
from prefixrun.models.tokenizer import byte_tokenizer
from tiny_methods import drawn

GREEDY = DecodeConfig(name="g", beams=1, max_new_tokens=5, length_norm="total", ban_newlines=True, batch_size=1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory(architecture: str, tmp_path: Path) -> Path:
    """A model with its tokenizer, as save_pretrained() leaves them."""
    path = tmp_path / "my-model"
    architectures.random_model(architecture).save_pretrained(path)
    byte_tokenizer().base.save_pretrained(path)  # type: ignore[attr-defined]
    return path


def random_model(architecture: str) -> ModelConfig:
    return ModelConfig(name=architecture, source="random", architecture=architecture)  # type: ignore[arg-type]


def logits(backbone: Backbone) -> torch.Tensor:
    ids = torch.tensor([backbone.tokenizer.source("name : Aromi")])
    mask = torch.full((1, 1, ids.shape[1], ids.shape[1]), torch.finfo(torch.float32).min).triu(1)
    with torch.no_grad():
        return backbone.model(input_ids=ids, attention_mask=mask, use_cache=False).logits


def test_a_random_model_is_frozen_and_always_the_same(architecture: str) -> None:
    torch.manual_seed(8)
    backbone = load(random_model(architecture))
    assert not backbone.model.training
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    assert torch.equal(torch.rand(2), torch.rand(2, generator=torch.Generator().manual_seed(8)))
    torch.manual_seed(9)
    assert torch.equal(logits(backbone), logits(load(random_model(architecture))))
    assert backbone.head.shape == (258, 32)
    assert backbone.shape == shape_of(backbone.model.config)


def test_a_saved_directory_is_the_model_that_was_saved(architecture: str, directory: Path) -> None:
    loaded = load(ModelConfig(name="local", source="path", path=str(directory)))
    original = load(random_model(architecture))
    assert torch.equal(logits(loaded), logits(original))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    for text in ("name : Aromi | area : £", "a\nb"):
        assert loaded.tokenizer.source(text) == original.tokenizer.source(text)
    assert loaded.tokenizer.newlines() == original.tokenizer.newlines()
    prefix, prompt = FixedPrefix(drawn(loaded, 3)), [loaded.tokenizer.source("name : Aromi")]
    assert generate(loaded, prefix, prompt, GREEDY) == generate(original, prefix, prompt, GREEDY)
    assert loaded.files.description == "local directory my-model"


def test_the_layout_goes_to_the_tokenizer(directory: Path) -> None:
    lines = load(ModelConfig(name="local", source="path", path=str(directory), layout="lines"))
    assert lines.tokenizer.source("x") == lines.tokenizer.text(" x\n")


def test_half_precision(architecture: str) -> None:
    half = load(random_model(architecture), precision="bf16")
    assert half.head.dtype == torch.bfloat16
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_what_transformers_keeps_in_float32_stays_in_it(directory: Path, precision: str) -> None:
    """Rotary frequencies, which positions are multiplied by."""
    ours = load(ModelConfig(name="local", source="path", path=str(directory)), precision=precision).model
    theirs = AutoModelForCausalLM.from_pretrained(directory, dtype=DTYPES[precision])
    buffers = dict(theirs.named_buffers())
    assert {name: buffer.dtype for name, buffer in ours.named_buffers()} == {
        name: buffer.dtype for name, buffer in buffers.items()
    }
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in ours.named_buffers())


def test_a_model_that_cannot_read_the_layout_is_refused(architecture: str, directory: Path) -> None:
    """Whether its weights are random or read; the other reasons are in test_families.py."""
    for config in (
        ModelConfig(name="mine", source="random", architecture=architecture, layout="bart"),  # type: ignore[arg-type]
        ModelConfig(name="mine", source="path", path=str(directory), layout="bart"),
    ):
        with pytest.raises(ConfigError, match=r"model\.layout=bart: does not fit model=mine"):
            load(config)

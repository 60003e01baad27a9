"""Backbones: frozen, with the shape_of a prefix must fit, from a directory, from random numbers or from the package."""

import importlib.util
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, LlamaConfig, PretrainedConfig

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.beam_search import generate
from prefixrun.errors import ConfigError
from prefixrun.methods.init import activations
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models import families, weights
from prefixrun.models.backbone import Backbone, Shape, load, shape_of
from prefixrun.models.tokenizer import byte_tokenizer

GREEDY = DecodeConfig(name="g", beams=1, max_new_tokens=5, length_norm="total", ban_newlines=True, batch_size=1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory(architecture: str, tmp_path: Path) -> Path:
    """A model with its tokenizer, as save_pretrained() leaves them."""
    path = tmp_path / "my-model"
    families.random_model(architecture).save_pretrained(path)
    byte_tokenizer().base.save_pretrained(path)  # type: ignore[attr-defined]
    return path


def random_model(architecture: str) -> ModelConfig:
    return ModelConfig(name=architecture, source="random", architecture=architecture)  # type: ignore[arg-type]


def logits(backbone: Backbone) -> torch.Tensor:
    ids = torch.tensor([backbone.tokenizer.source("name : Aromi")])
    mask = torch.full((1, 1, ids.shape[1], ids.shape[1]), torch.finfo(torch.float32).min).triu(1)
    with torch.no_grad():
        return backbone.model(input_ids=ids, attention_mask=mask, use_cache=False).logits


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (GPT2Config(n_embd=1024, n_layer=24, n_head=16), Shape(24, 16, 64, 1024, 1024, 50257)),
        (GPT2Config(n_embd=1280, n_layer=36, n_head=20), Shape(36, 20, 64, 1280, 1024, 50257)),
        (
            LlamaConfig(
                hidden_size=576,
                num_hidden_layers=30,
                num_attention_heads=9,
                num_key_value_heads=3,
                max_position_embeddings=8192,
                vocab_size=49152,
            ),
            Shape(30, 3, 64, 576, 8192, 49152),
        ),
        (LlamaConfig(hidden_size=64, num_hidden_layers=1, num_attention_heads=4, head_dim=32), None),
    ],
)
def test_sizes(config: PretrainedConfig, expected: Shape | None) -> None:
    if expected is None:
        assert (shape_of(config).head_dim, shape_of(config).kv_heads) == (32, 4)
    else:
        assert shape_of(config) == expected


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


def test_the_body_and_the_head_are_the_model(architecture: str) -> None:
    backbone = load(random_model(architecture))
    ids = torch.tensor([backbone.tokenizer.source("name : Aromi")])
    mask = torch.full((1, 1, ids.shape[1], ids.shape[1]), torch.finfo(torch.float32).min).triu(1)
    states = backbone.body(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    torch.testing.assert_close(states @ backbone.head.T, logits(backbone))


def test_a_saved_directory_is_the_model_that_was_saved(architecture: str, directory: Path) -> None:
    loaded = load(ModelConfig(name="local", source="path", path=str(directory)))
    original = load(random_model(architecture))
    assert torch.equal(logits(loaded), logits(original))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    for text in ("name : Aromi | area : £", "a\nb"):
        assert loaded.tokenizer.source(text) == original.tokenizer.source(text)
    assert loaded.tokenizer.newlines() == original.tokenizer.newlines()
    shape = loaded.shape
    flat = torch.randn(shape.layers, 2, shape.kv_heads, 3, shape.head_dim)
    prompt = [loaded.tokenizer.source("name : Aromi")]
    assert generate(loaded, FixedPrefix({"decoder": flat}), prompt, GREEDY) == generate(
        original, FixedPrefix({"decoder": flat}), prompt, GREEDY
    )
    assert loaded.files.description == "local directory my-model"


def test_the_layout_goes_to_the_tokenizer(directory: Path) -> None:
    lines = load(ModelConfig(name="local", source="path", path=str(directory), layout="lines"))
    assert lines.tokenizer.source("x") == lines.tokenizer.text(" x\n")


def test_half_precision(architecture: str) -> None:
    half = load(random_model(architecture), precision="bf16")
    assert half.head.dtype == torch.bfloat16
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.bfloat16}


def test_another_family_is_refused(directory: Path) -> None:
    config = directory / "config.json"
    text = config.read_text()
    for family in ("gpt2", "llama"):
        text = text.replace(f'"model_type": "{family}"', '"model_type": "opt"')
    config.write_text(text)
    with pytest.raises(ConfigError, match="model=local: model_type 'opt' is not supported; there are gpt2, llama"):
        load(ModelConfig(name="local", source="path", path=str(directory)))


needs_package = pytest.mark.skipif(
    importlib.util.find_spec(weights.PACKAGE) is None,
    reason=f"the package with SmolLM2-135M is not installed: {weights.PACKAGE_INSTALL}",
)


@needs_package
@pytest.mark.slow
def test_the_packaged_model_is_made_once_and_writes_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    smollm = ModelConfig(name="smollm2_135m", source="package", layout="lines")
    backbone = load(smollm)
    assert backbone.shape == Shape(layers=30, kv_heads=3, head_dim=64, width=576, context=8192, vocabulary=49152)
    assert backbone.head.dtype == torch.float32
    assert not backbone.model.training
    (made,) = (tmp_path / "prefixrun").iterdir()
    stamps = {path.name: path.stat().st_mtime_ns for path in made.iterdir()}
    again = load(smollm)
    assert {path.name: path.stat().st_mtime_ns for path in made.iterdir()} == stamps
    assert list((tmp_path / "prefixrun").iterdir()) == [made]
    assert torch.equal(again.head, backbone.head)

    behind = activations(backbone, backbone.tokenizer.text("The capital of"))
    (output,) = generate(backbone, FixedPrefix({"decoder": behind}), [backbone.tokenizer.text(" France is")], GREEDY)
    assert "Paris" in backbone.tokenizer.output(output)
    assert set(backbone.tokenizer.text("\n")) <= set(backbone.tokenizer.newlines())

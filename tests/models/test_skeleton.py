"""Shapes without weights: of the named architectures, of a local directory, of the hub's cache."""

import json
from pathlib import Path

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.models import architectures
from prefixrun.models.loading import load
from prefixrun.models.skeleton import skeleton


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
def test_shapes_are_those_of_the_loaded_model(model: str) -> None:
    config = compose([f"model={model}"]).model
    ours, loaded = skeleton(config), load(config)
    assert (ours.total, ours.shape, ours.sites) == (loaded.total, loaded.shape, loaded.sites)


def test_a_directory_needs_no_weights(tmp_path: Path) -> None:
    architectures.configuration("tiny_llama").save_pretrained(tmp_path)
    config = ModelConfig(name="local", source="path", path=str(tmp_path))
    assert skeleton(config).total == skeleton(compose(["model=tiny_llama"]).model).total


def test_another_shape_in_the_same_directory_is_seen(tmp_path: Path) -> None:
    config = ModelConfig(name="local", source="path", path=str(tmp_path))
    widths = []
    for layers in (2, 3):
        architectures.GPT2Config(n_layer=layers, n_embd=8, n_head=2).save_pretrained(tmp_path)
        widths.append(skeleton(config).shape.layers)
    assert widths == [2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^model\.path=.*there: there is no config\.json in it"),
        ("{", r"^model\.path=.*there: config\.json: JSONDecodeError"),
        (json.dumps({"model_type": "no such family"}), "^model=local: model_type 'no such family' is not supported"),
        (json.dumps({"model_type": "gpt2", "n_layer": 10**9}), r"n_layer is 1000000000 in config\.json"),
        (json.dumps({"model_type": "gpt2", "n_head": 7}), r"config\.json: ValueError: .*divisible"),
        (json.dumps({"model_type": "bloom"}), r"model=local: BloomAttention of transformers computes attention itself"),
    ],
)
def test_a_directory_without_a_shape_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    directory = tmp_path / "there"
    directory.mkdir()
    if content is not None:
        (directory / "config.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        skeleton(ModelConfig(name="local", source="path", path=str(directory)))


def test_the_cache_of_the_hub_comes_before_the_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    architectures.configuration("tiny_gpt2").save_pretrained(tmp_path)
    config = ModelConfig(name="mine", source="hub", hub="some/model", architecture="gpt2")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(tmp_path / "config.json"))
    assert skeleton(config).shape.width == 32


def test_a_model_of_the_hub_that_is_not_here_has_no_shape() -> None:
    config = ModelConfig(name="mine", source="hub", hub="some/model-that-is-not-here")
    with pytest.raises(MissingPartError, match="model=mine: nothing here says what shape some/model-that-is-not-here"):
        skeleton(config)

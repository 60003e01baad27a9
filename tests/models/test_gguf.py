"""The packaged model: made once from its quantised file, whoever is first."""

from pathlib import Path

import pytest
import torch

from prefixrun.config.paths import cache_directory
from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.methods.init import activations
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models import gguf, weights
from prefixrun.models.architectures import configuration, from_configuration
from prefixrun.models.families import Shape
from prefixrun.models.loading import load
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.models.weights import ModelFiles

GREEDY = DecodeConfig(name="g", beams=1, max_new_tokens=5, length_norm="total", ban_newlines=True, batch_size=1)


class ReadsTiny:
    """Stands in for the readers of transformers: a tiny model with its tokenizer."""

    def __init__(self, result: object) -> None:
        self.result, self.reads = result, 0

    def from_pretrained(self, _source: str, **settings: object) -> object:
        assert settings["gguf_file"] == weights.PACKAGE_FILE
        self.reads += 1
        return self.result

    from_config = staticmethod(from_configuration)


@pytest.mark.parametrize("other_process_is_first", [False, True])
def test_the_directory_is_complete_and_made_once(
    other_process_is_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = from_configuration(configuration("tiny_llama"))
    models, tokenizers = ReadsTiny(model), ReadsTiny(byte_tokenizer().base)
    monkeypatch.setattr(gguf, "AutoModelForCausalLM", models)
    monkeypatch.setattr(gguf, "AutoTokenizer", tokenizers)
    files = ModelFiles(tmp_path, "0123456789abcdef", "")
    target = cache_directory() / "smollm2-135m-0123456789ab"
    if other_process_is_first:
        rename = Path.rename

        def too_late(path: Path, destination: Path) -> Path:
            (destination / "sub").mkdir(parents=True)
            (destination / "config.json").write_text("{}")
            return rename(path, destination)

        monkeypatch.setattr(Path, "rename", too_late)
    assert gguf.dequantised(files) == gguf.dequantised(files) == target
    assert models.reads == tokenizers.reads == 1
    assert list(cache_directory().iterdir()) == [target], "nothing else is left behind"
    assert (target / "config.json").is_file()
    assert (target / "model.safetensors").is_file() is not other_process_is_first


def test_a_directory_that_cannot_be_put_in_its_place_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(gguf, "AutoModelForCausalLM", ReadsTiny(from_configuration(configuration("tiny_llama"))))
    monkeypatch.setattr(gguf, "AutoTokenizer", ReadsTiny(byte_tokenizer().base))

    def fails(path: Path, destination: Path) -> Path:
        raise OSError("no room")

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no room"):
        gguf.dequantised(ModelFiles(tmp_path, "0123456789abcdef", ""))
    assert list(cache_directory().iterdir()) == []


@pytest.mark.needs(weights.PACKAGE)
@pytest.mark.slow
def test_the_packaged_model_is_made_once_and_writes_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    smollm = ModelConfig(name="smollm2_135m", source="package", layout="lines")
    backbone = load(smollm)
    assert backbone.shape == Shape(
        layers=30, kv_heads=3, head_dim=64, width=576, context=8192, vocabulary=49152, heads=9
    )
    assert backbone.head.dtype == torch.float32
    assert not backbone.model.training
    (made,) = (tmp_path / "prefixrun").glob("smollm2*")
    stamps = {path.name: path.stat().st_mtime_ns for path in made.iterdir()}
    again = load(smollm)
    assert {path.name: path.stat().st_mtime_ns for path in made.iterdir()} == stamps
    assert list((tmp_path / "prefixrun").glob("smollm2*")) == [made]
    assert torch.equal(again.head, backbone.head)

    behind = activations(backbone, backbone.tokenizer.text("The capital of"))
    (output,) = generate(backbone, FixedPrefix({"decoder": behind}), [backbone.tokenizer.text(" France is")], GREEDY)
    assert "Paris" in backbone.tokenizer.output(output)
    assert set(backbone.tokenizer.text("\n")) <= set(backbone.tokenizer.newlines())

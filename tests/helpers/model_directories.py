"""A tiny model directory as save_pretrained() writes it, and the ways in which one can be wrong."""

import json
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.architectures import random_model
from prefixrun.models.loading import load
from prefixrun.models.tokenizer import Layout, byte_tokenizer

LAYOUTS: Mapping[str, Layout] = {"tiny_gpt2": "paper", "tiny_llama": "lines", "tiny_bart": "bart", "tiny_t5": "t5"}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
Tamper = Callable[[Path], None]


def save(path: Path, architecture: str, shard: str = "5GB") -> Path:
    """A model with random weights and its tokenizer, as save_pretrained() leaves them."""
    random_model(architecture).save_pretrained(path, max_shard_size=shard)
    byte_tokenizer(LAYOUTS[architecture]).base.save_pretrained(path)  # type: ignore[attr-defined]
    return path


def at(path: Path, architecture: str) -> ModelConfig:
    """The configuration of a run on the directory."""
    return ModelConfig(name="local", source="path", path=str(path), layout=LAYOUTS[architecture])


def text(name: str, content: str) -> Tamper:
    """Give a file another content."""
    return lambda path: void((path / name).write_text(content))


def void(_: object) -> None:
    """An expression as a statement."""


def truncate(name: str, size: int) -> Tamper:
    """Cut a file off: `size` bytes are left, or so many less than there were."""

    def tamper(path: Path) -> None:
        data = (path / name).read_bytes()
        (path / name).write_bytes(data[:size])

    return tamper


def directory(name: str) -> Tamper:
    """A directory in place of a file."""

    def tamper(path: Path) -> None:
        (path / name).unlink(missing_ok=True)
        (path / name).mkdir()

    return tamper


def gone(name: str) -> Tamper:
    """No such file."""
    return lambda path: (path / name).unlink()


def outside(name: str) -> Tamper:
    """A link to a file beside the directory."""

    def tamper(path: Path) -> None:
        (path / name).rename(path.parent / f"outside-{name}")
        (path / name).symlink_to(path.parent / f"outside-{name}")

    return tamper


def looped(name: str) -> Tamper:
    """A link to itself."""

    def tamper(path: Path) -> None:
        (path / name).unlink()
        (path / name).symlink_to(path / name)

    return tamper


def keys(name: str, **values: Any) -> Tamper:
    """Other values in a JSON file."""

    def tamper(path: Path) -> None:
        content = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps(content | values))

    return tamper


def without(name: str, *dropped: str) -> Tamper:
    """Keys less in a JSON file."""

    def tamper(path: Path) -> None:
        content = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps({key: value for key, value in content.items() if key not in dropped}))

    return tamper


def tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Tamper:
    """Other weights."""

    def tamper(path: Path) -> None:
        weights = load_file(path / "model.safetensors")
        change(weights)
        save_file(weights, path / "model.safetensors", metadata={"format": "pt"})

    return tamper


def largest(weights: Mapping[str, torch.Tensor], word: str = "") -> str:
    """The name of the largest matrix whose name has the word in it, such as that of a feed-forward layer."""
    return max(
        (name for name in weights if word in name and weights[name].dim() == 2), key=lambda n: weights[n].numel()
    )


def feed_forward(weights: Mapping[str, torch.Tensor]) -> str:
    """The first weight of a feed-forward layer."""
    return next(
        n for n in weights if any(part in n for part in ("mlp.", "fc1.w", "DenseReluDense.wi")) and "weight" in n
    )


def pickled(path: Path) -> None:
    """Weights as a pickle, beside an unrelated safetensors file."""
    torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
    (path / "model.safetensors").rename(path / "unrelated.safetensors")


def header(path: Path) -> None:
    """A safetensors file that says its header is of 10^15 bytes."""
    data = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", 10**15) + data[8:])


def more_tokens(path: Path) -> None:
    """A tokenizer with more tokens than the embedding has rows."""
    content = json.loads((path / "tokenizer.json").read_text())
    first = content["added_tokens"][0]
    content["added_tokens"] += [{**first, "id": 260 + index, "content": f"<|{index}|>"} for index in range(4)]
    (path / "tokenizer.json").write_text(json.dumps(content))


def poison(value: float) -> Tamper:
    """One number of a weight that is not finite."""
    return tensors(lambda w: void(w[feed_forward(w)].view(-1).__setitem__(7, value)))


def retyped(dtype: torch.dtype) -> Tamper:
    """One weight of another type."""
    return tensors(lambda w: w.update({feed_forward(w): w[feed_forward(w)].to(dtype)}))


def code(path: Path) -> None:
    """Code of the model itself, which leaves a mark where it is run."""
    (path / "own.py").write_text(f"open({str(path / 'RAN')!r}, 'w')")
    names = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model", "AutoModelForSeq2SeqLM": "own.Model"}
    keys("config.json", auto_map=names)(path)


COMPLETE = r".*there must be config\.json, model\.safetensors"
AGAIN = "; copy or download it again$"
CONFIG_OR_SIZE = r"config\.json(:| says .* for its vocabulary)"
"""Which of both depends on the version of transformers."""
CONFIG = r": config\.json: "
BAD: Mapping[str, tuple[Tamper, str]] = {
    "no directory": (lambda path: void(path.rename(path.with_name("gone"))), ": is no directory"),
    "a file": (lambda path: void((shutil.rmtree(path), path.write_text("x"))), ": is no directory"),
    "empty directory": (
        lambda path: void((shutil.rmtree(path), path.mkdir())),
        "there is no config.json" + COMPLETE,
    ),
    "no config.json": (gone("config.json"), "there is no config.json" + COMPLETE),
    "config.json cut off": (truncate("config.json", 40), CONFIG + ".*" + AGAIN),
    "config.json empty": (text("config.json", ""), r": config\.json is empty" + AGAIN),
    "config.json not UTF-8": (lambda path: void((path / "config.json").write_bytes(b'{"\xff')), CONFIG),
    "config.json a list": (text("config.json", "[]"), r": config\.json is no JSON object but \[\]"),
    "config.json deep": (text("config.json", "[" * 100_000), CONFIG),
    "config.json long number": (text("config.json", '{"n_layer": ' + "9" * 5000 + "}"), CONFIG),
    "config.json a directory": (directory("config.json"), r": config\.json is no file"),
    "config.json a pointer": (text("config.json", POINTER), r"config\.json is a pointer.*git lfs pull"),
    "config.json outside": (outside("config.json"), "config.json is a link that leads out"),
    "config.json a loop": (looped("config.json"), "my-model"),
    "no model_type": (without("config.json", "model_type"), "model_type None is not supported"),
    "unknown model_type": (keys("config.json", model_type="nope"), "model_type 'nope' is not supported"),
    "model_type a list": (keys("config.json", model_type=["gpt2"]), r"model_type \['gpt2'\] is not supported"),
    "model_type long": (keys("config.json", model_type="x" * 100_000), "more\\) is not supported"),
    "own code": (code, "auto_map in config.json names code of its own"),
    "own tokenizer code": (
        keys("tokenizer_config.json", auto_map={"AutoTokenizer": ["own.T", None]}),
        "auto_map in tokenizer_config.json names code",
    ),
    "quantised": (keys("config.json", quantization_config={"quant_method": "gptq"}), "says that the weights are quant"),
    "no weights": (gone("model.safetensors"), r"has no model\.safetensors;" + COMPLETE),
    "pickled weights": (pickled, r"its weights are in pytorch_model\.bin.*safe_serialization=True"),
    "weights of another name": (
        lambda path: void((path / "model.safetensors").rename(path / "other.safetensors")),
        r"has no model\.safetensors \(there is other\.safetensors",
    ),
    "adapter": (
        lambda path: void((gone("model.safetensors")(path), text("adapter_config.json", "{}")(path))),
        "is an adapter of PEFT",
    ),
    "weights empty": (text("model.safetensors", ""), "model.safetensors is empty"),
    "weights a directory": (directory("model.safetensors"), "model.safetensors is no file"),
    "weights a pointer": (text("model.safetensors", POINTER), "model.safetensors is a pointer.*git lfs pull"),
    "weights outside": (outside("model.safetensors"), "model.safetensors is a link that leads out"),
    "weights 4 bytes": (truncate("model.safetensors", 4), r"model\.safetensors: .*" + AGAIN),
    "weights cut in the header": (truncate("model.safetensors", 100), r"model\.safetensors: .*" + AGAIN),
    "weights cut in a tensor": (truncate("model.safetensors", 9000), r"model\.safetensors: .*" + AGAIN),
    "weights text": (text("model.safetensors", "not weights" * 100), r"model\.safetensors: .*" + AGAIN),
    "weights long header": (header, r"model\.safetensors: .*" + AGAIN),
    "no tensor": (tensors(lambda w: w.clear()), "the weights hold 0 numbers"),
    "tensor missing": (tensors(lambda w: w.pop(feed_forward(w))), r"missing: .*(mlp|fc1|wi)"),
    "embedding missing": (tensors(lambda w: w.pop(largest(w))), "missing: "),
    "tensor unknown": (tensors(lambda w: w.update(extra=torch.zeros(3))), r"not known: extra\)"),
    "tensor renamed": (tensors(lambda w: w.update(extra=w.pop(feed_forward(w)))), "missing: .*; not known: extra"),
    "tensor of other shape": (
        tensors(lambda w: w.update({feed_forward(w): torch.zeros(3, 5)})),
        r"of another shape: .* \(3, 5\), not \(",
    ),
    "tensor transposed": (
        tensors(lambda w: w.update({feed_forward(w): w[feed_forward(w)].T.contiguous()})),
        "of another shape: ",
    ),
    "NaN": (poison(float("nan")), r"(mlp|fc1|wi)\S* holds NaN or infinite"),
    "infinite": (poison(float("-inf")), r"(mlp|fc1|wi)\S* holds NaN or infinite"),
    "beyond float32": (
        tensors(lambda w: w.update({feed_forward(w): torch.full_like(w[feed_forward(w)], 1e300, dtype=torch.float64)})),
        "holds NaN or infinite",
    ),
    "integers": (retyped(torch.int8), "has numbers of the type I8; weights must be F64"),
    "booleans": (retyped(torch.bool), "has numbers of the type BOOL"),
    "8-bit floats": (retyped(torch.float8_e4m3fn), "has numbers of the type F8_E4M3"),
    "vocabulary of 10^9": (keys("config.json", vocab_size=10**9), "describes 3.,.*the weights hold"),
    "vocabulary of 10^30": (keys("config.json", vocab_size=10**30), "config.json"),
    "vocabulary larger": (keys("config.json", vocab_size=300), r"of another shape: .*\(300, 32\)"),
    "vocabulary 0": (keys("config.json", vocab_size=0), "config.json says 0 for its vocabulary"),
    "vocabulary negative": (keys("config.json", vocab_size=-1), "config.json says -1 for its vocabulary"),
    "vocabulary a text": (keys("config.json", vocab_size="x"), CONFIG_OR_SIZE),
    "vocabulary null": (keys("config.json", vocab_size=None), CONFIG_OR_SIZE),
    "vocabulary a list": (keys("config.json", vocab_size=[1]), CONFIG_OR_SIZE),
    "labels 10^9": (keys("config.json", num_labels=10**9), "num_labels is 1000000000 in config.json"),
    "returns other things": (keys("config.json", return_dict=False), CONFIG),
    "heads of another family": (keys("config.json", num_key_value_heads=1.5, head_dim=3), "config.json|its weights"),
    "dtype unknown": (keys("config.json", dtype="nonsense"), CONFIG),
    "no tokenizer": (gone("tokenizer.json"), ": has no tokenizer" + COMPLETE),
    "tokenizer cut off": (truncate("tokenizer.json", 400), "its tokenizer: .*" + AGAIN),
    "tokenizer empty": (text("tokenizer.json", ""), "tokenizer.json is empty"),
    "tokenizer {}": (text("tokenizer.json", "{}"), "its tokenizer: .*" + AGAIN),
    "tokenizer a list": (text("tokenizer.json", "[]"), "its tokenizer: .*" + AGAIN),
    "tokenizer a directory": (directory("tokenizer.json"), "tokenizer.json is no file"),
    "tokenizer a pointer": (text("tokenizer.json", POINTER), "tokenizer.json is a pointer.*git lfs pull"),
    "tokenizer outside": (outside("tokenizer.json"), "tokenizer.json is a link that leads out"),
    "tokenizer without a model": (keys("tokenizer.json", model=None), "its tokenizer: .*" + AGAIN),
    "tokenizer of another model": (keys("tokenizer.json", model={"type": "Odd"}), "its tokenizer: .*" + AGAIN),
    "tokenizer without tokens": (
        keys("tokenizer.json", model={"type": "BPE", "vocab": {}, "merges": []}, added_tokens=[]),
        "its tokenizer makes no tokens of a text",
    ),
    "tokens beyond the model": (more_tokens, r"has ids up to 26\d, and the embedding of the model 25\d rows"),
    "tokenizer_config.json cut off": (truncate("tokenizer_config.json", 30), r"tokenizer_config\.json: .*" + AGAIN),
    "tokenizer_config.json a list": (text("tokenizer_config.json", "[]"), r"tokenizer_config\.json is no JSON object"),
    "tokenizer_config.json a directory": (directory("tokenizer_config.json"), "tokenizer_config.json is no file"),
    "tokenizer_config.json names files": (keys("tokenizer_config.json", vocab="/etc/x"), "vocab in tokenizer_config"),
    "tokenizer_config.json passes files": (keys("tokenizer_config.json", init_inputs=["/etc/x"]), "init_inputs in tok"),
    "special token without text": (keys("tokenizer_config.json", unk_token=""), "its tokenizer: "),
    "tokenizer class unknown": (keys("tokenizer_config.json", tokenizer_class=["x"]), "its tokenizer"),
    "no end token": (
        without("tokenizer_config.json", "eos_token"),
        "its tokenizer has no eos_token, which model.layout",
    ),
    "end token a number": (keys("tokenizer_config.json", eos_token=5), "its tokenizer"),
    "special_tokens_map.json damaged": (
        lambda path: void(
            (
                without("tokenizer_config.json", "added_tokens_decoder")(path),
                text("special_tokens_map.json", "[")(path),
            )
        ),
        "its tokenizer: .*" + AGAIN,
    ),
    "added_tokens.json damaged": (text("added_tokens.json", "5"), "its tokenizer: .*" + AGAIN),
}
"""What is wrong -> what to do with a directory of `save`, and how the message goes on (a regular expression)."""


def _index(**shards: str) -> Tamper:
    """Another shard for the first tensor of the index."""

    def tamper(path: Path) -> None:
        index = json.loads((path / "model.safetensors.index.json").read_text())
        index["weight_map"] |= {next(iter(index["weight_map"])): shard for shard in shards.values()}
        (path / "model.safetensors.index.json").write_text(json.dumps(index))

    return tamper


def lost_shard(path: Path) -> None:
    """All shards but the second."""
    sorted(path.glob("model-*.safetensors"))[1].unlink()


def damaged_shard(path: Path) -> None:
    """The second shard cut off."""
    truncate(sorted(path.glob("model-*.safetensors"))[1].name, 200)(path)


def second_copy(path: Path) -> None:
    """A shard that holds the tensors of another one too."""
    first, second = sorted(path.glob("model-*.safetensors"))[:2]
    save_file(load_file(second) | load_file(first), second, metadata={"format": "pt"})


INDEX = "model.safetensors.index.json"
BAD_SHARDS: Mapping[str, tuple[Tamper, str]] = {
    "lost shard": (
        lost_shard,
        r": model-0000.-of-\d+\.safetensors is not there, and model.safetensors.index.json names",
    ),
    "shard cut off": (damaged_shard, r"model-00002-of-\d+\.safetensors: .*" + AGAIN),
    "shard a pointer": (
        lambda path: void(sorted(path.glob("model-*"))[1].write_text(POINTER)),
        "is a pointer of Git's large-file storage",
    ),
    "shard outside": (lambda path: outside(sorted(path.glob("model-*"))[1].name)(path), "is a link that leads out"),
    "tensor twice": (second_copy, "and the shards do not agree about "),
    "index names ../": (_index(a="../outside.safetensors"), "names '../outside.safetensors', which is no safetensors"),
    "index names a path": (_index(a="/etc/passwd"), "names '/etc/passwd', which is no safetensors"),
    "index names a pickle": (_index(a="model.bin"), "names 'model.bin', which is no safetensors"),
    "index names another file": (_index(a="model-9.safetensors"), "model-9.safetensors is not there"),
    "index names a number": (_index(a=5), "names '5', which is no safetensors"),  # type: ignore[arg-type]
    "index a list": (text(INDEX, "[]"), "is no JSON object"),
    "index cut off": (truncate(INDEX, 60), r"model\.safetensors\.index\.json: .*" + AGAIN),
    "index without names": (text(INDEX, "{}"), "names no weights"),
    "index of names": (text(INDEX, '{"weight_map": ["a"]}'), "names no weights"),
    "index a directory": (directory(INDEX), "is no file"),
    "index outside": (outside(INDEX), "is a link that leads out"),
}
"""As BAD, for a directory whose weights are in shards."""

SIZES: Mapping[str, Mapping[str, str]] = {
    "tiny_gpt2": {"layers": "n_layer", "heads": "n_head", "width": "n_embd", "positions": "n_positions"},
    "tiny_llama": {
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "width": "hidden_size",
    },
    "tiny_bart": {
        "layers": "encoder_layers decoder_layers num_hidden_layers",
        "heads": "encoder_attention_heads decoder_attention_heads num_attention_heads",
        "width": "d_model",
        "positions": "max_position_embeddings",
    },
    "tiny_t5": {"layers": "num_layers num_decoder_layers", "heads": "num_heads", "width": "d_model"},
}
"""The keys of the sizes in a family's config.json."""
WRONG_SIZES: Mapping[str, tuple[Any, ...]] = {
    "layers": (0, -1, 3_000, 10**9, 10**30, "2", None, 1.5, [2]),
    "heads": (0, -1, 5, 10**9, "2", None),
    "width": (0, -32, 33, 10**9, 10**30, "x", None),
    "positions": (0, -5, 10**9, 10**30, "x"),
}


def sized(architecture: str, size: str, value: Any) -> Tamper:
    """Another value for a size of the model."""
    return keys("config.json", **dict.fromkeys(SIZES[architecture][size].split(), value))


def _old_masks(path: Path) -> None:
    """Causal masks as GPT-2 checkpoints of earlier years hold them."""
    masks = {"transformer.h.0.attn.bias": torch.ones(1, 1, 9, 9, dtype=torch.uint8)}
    tensors(lambda w: w.update(masks))(path)


GOOD: Mapping[str, Tamper] = {
    "as it is": void,
    "masks of earlier years": _old_masks,
    "half precision": tensors(lambda w: w.update({name: w[name].half() for name in list(w)})),
    "bfloat16": retyped(torch.bfloat16),
    "double precision": retyped(torch.float64),
    "weights without the name of the body": tensors(
        lambda w: [w.__setitem__(name.removeprefix("transformer."), w.pop(name)) for name in list(w)]
    ),
    "output layer beside the embedding": tensors(
        lambda w: w.update({"lm_head.weight": w["transformer.wte.weight"].clone()})
    ),
    "other weights beside": text("other.safetensors", "x"),
    "template": text("chat_template.jinja", "{{ x }}"),
    "files of another machine": keys("tokenizer_config.json", tokenizer_file="/home/me/x", name_or_path="/home/me"),
    "no tokenizer_config.json but its tokens": lambda path: void(
        (
            (path / "tokenizer_config.json").unlink(),
            text("special_tokens_map.json", '{"eos_token": "<|end|>"}')(path),
        )
    ),
}
"""What only looks wrong, in a directory of tiny_gpt2."""


def refused(path: Path, architecture: str, message: str) -> str:
    """The message of the one ConfigError that a directory is refused with."""
    with pytest.raises(ConfigError, match=message) as caught:
        load(at(path, architecture))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).startswith(("model.path=", "model=local: model_type"))
    return str(caught.value)

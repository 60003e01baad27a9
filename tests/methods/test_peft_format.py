"""Prefixes and LoRA in files: what PEFT computes from them, and files that are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError
from prefixrun.methods import lora as lora_method
from prefixrun.methods import peft_format
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.transformers_names import CACHE
from tiny_methods import drawn


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about what PEFT reads
def test_peft_generates_the_same_from_an_export(backbone: Backbone, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    if CACHE == "cache":
        pytest.skip("PEFT gives generate() the prefix under the name of transformers up to 5.23, and it is ignored")
    flat = drawn(backbone, 4)
    peft_format.write_peft(tmp_path / "peft", flat, base_model="tiny")
    greedy = DecodeConfig(
        name="t", beams=1, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=1
    )
    prompt = backbone.tokenizer.source("name : Aromi | Type : pub")
    (ours,) = generate(backbone, FixedPrefix(flat), [prompt], greedy)
    backbone.model.set_attn_implementation("eager")
    model = peft.PeftModel.from_pretrained(backbone.model, tmp_path / "peft").eval()
    theirs = model.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=8,
        do_sample=False,
        pad_token_id=257,
    )
    written = theirs[0, len(prompt) :].tolist()
    assert written[: len(ours)] == ours


@pytest.mark.parametrize("modules", ["qv", "all"])
@pytest.mark.parametrize("tiny", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about what PEFT reads
def test_peft_computes_the_same_from_an_exported_lora(tmp_path: Path, tiny: str, modules: str) -> None:
    peft = pytest.importorskip("peft", reason="the extra peft is not installed")
    settings = compose([f"model={tiny}", "method=lora", "method.rank=2", f"method.lora_modules={modules}"])
    backbone = load(settings.model)
    method = lora_method.build(settings, backbone)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.copy_(torch.randn_like(parameter) / 4)
    peft_format.write_peft_lora(tmp_path / "lora", method, backbone, base_model=tiny)
    given = {"input_ids": torch.tensor([[5, 6, 7, 8]])}
    if backbone.is_seq2seq:
        given["decoder_input_ids"] = torch.tensor([[2, 9, 11]])
    plain = backbone.model(**given).logits
    with method.attach(backbone):
        ours = backbone.model(**given).logits
    theirs = peft.PeftModel.from_pretrained(backbone.model, tmp_path / "lora").eval()(**given).logits
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(plain, ours, atol=1e-2)


Break = Callable[[Path, Backbone], None]


def other_model(path: Path, backbone: Backbone) -> None:
    peft_format.write_tensors(path, drawn(backbone, 2), model="gpt2", sha256="0" * 64)


def other_shape(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": torch.zeros(1, 2, 3, 4, 5)}))


def whole_numbers(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": drawn(backbone, 2)["decoder"].to(torch.int64)}))


def not_finite(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": drawn(backbone, 2)["decoder"] / 0}))


def other_site(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"cross": drawn(backbone, 2)["decoder"]}))


def beyond_float32(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": drawn(backbone, 2)["decoder"].double() * 1e300}))


def of_8_bits(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save({"decoder": drawn(backbone, 2)["decoder"].to(torch.float8_e4m3fn)}))


def header_without_its_keys(path: Path, backbone: Backbone) -> None:
    path.write_bytes(save(drawn(backbone, 2), {"format": peft_format.FORMAT}))


def device(path: Path, backbone: Backbone) -> None:
    path.symlink_to("/dev/full")


def damaged(path: Path, backbone: Backbone) -> None:
    path.write_bytes(b"no tensors")


def lora(path: Path, backbone: Backbone) -> None:
    path.mkdir()
    (path / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def peft_for_another_model(path: Path, backbone: Backbone) -> None:
    peft_format.write_peft(path, {"decoder": torch.zeros(1, 2, 3, 4, 5)}, base_model="other")


def empty_directory(path: Path, backbone: Backbone) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (other_model, ConfigError, "is a prefix for gpt2 with SHA-256 000000000000; this model is"),
        (other_shape, ConfigError, r"has the shape \(1, 2, 3, 4, 5\); for this model it is"),
        (whole_numbers, ConfigError, "holds torch.int64"),
        (not_finite, DamagedStateError, "not finite"),
        (beyond_float32, DamagedStateError, "not finite in float32"),
        (of_8_bits, ConfigError, "holds torch.float8_e4m3fn"),
        (header_without_its_keys, DamagedStateError, "its header has no model_sha256"),
        (device, DamagedStateError, "is no file"),
        (other_site, ConfigError, "holds cross; a prefix for this model has tensors called decoder"),
        (damaged, DamagedStateError, "no safetensors file; export the prefix again"),
        (lora, ConfigError, "peft_type is LORA; only PREFIX_TUNING is a prefix"),
        (peft_for_another_model, ConfigError, "prompt_embeddings has the shape"),
        (empty_directory, DamagedStateError, "no PEFT configuration; save it again"),
    ],
)
def test_a_foreign_or_damaged_prefix_is_refused(
    backbone: Backbone, tmp_path: Path, spoil: Break, error: type[PrefixrunError], message: str
) -> None:
    spoil(tmp_path / "prefix", backbone)
    with pytest.raises(error, match=message):
        peft_format.read_prefix(tmp_path / "prefix", backbone)


def test_pefts_prefix_of_an_encoder_decoder_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    """It was read as one of a decoder alone, and meant something else."""
    peft_format.write_peft(tmp_path / "prefix", drawn(backbone, 2), base_model="tiny")
    both = load(ModelConfig(name="tiny_bart", source="random", architecture="tiny_bart", layout="bart"))
    with pytest.raises(ConfigError, match="a prefix of an encoder-decoder, which PEFT puts into its decoder"):
        peft_format.read_prefix(tmp_path / "prefix", both)
    path = tmp_path / "prefix" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"task_type": "SEQ_2_SEQ_LM"}))
    with pytest.raises(ConfigError, match="a prefix of an encoder-decoder"):
        peft_format.read_prefix(tmp_path / "prefix", backbone)

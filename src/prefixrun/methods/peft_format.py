"""Prefixes that leave and enter the program: one safetensors file, or a directory in PEFT's format. LoRA leaves in
PEFT's format too.

Everything is checked before anything is used: a file that is damaged, of another method, or for another model is
refused. PEFT knows prefixes of decoder-only models only (its encoder-decoder form is not the paper's).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from prefixrun import files
from prefixrun.errors import ConfigError, DamagedStateError, reading, shortened
from prefixrun.methods import PrefixKeyValues
from prefixrun.methods.lora import LoRA
from prefixrun.models.backbone import Backbone

PEFT_CONFIG, PEFT_WEIGHTS, PEFT_KEY = "adapter_config.json", "adapter_model.safetensors", "prompt_embeddings"
FORMAT = "prefixrun-prefix-1"
GATE = "gate."
"""Begins the name of a gate's tensor; its site follows."""


SETTINGS = ("method", "prefix_len", "method.layers", "method.sites", "method.query")
"""Keys that say what the tensors of another than a plain prefix are."""


def write_tensors(
    path: Path, key_values: PrefixKeyValues, *, model: str, sha256: str, settings: Mapping[str, str] | None = None
) -> None:
    """One safetensors file, a tensor a site; its header says for which model.

    settings: by key of SETTINGS, of what is no prefix in front of all layers.
    """
    tensors = {site: tensor.detach().float().cpu().contiguous() for site, tensor in key_values.items()}
    header = {"format": FORMAT, "model": model, "model_sha256": sha256, **(settings or {})}
    files.write_bytes(path, save(tensors, header))


def settings_of(path: Path) -> dict[str, str]:
    """The settings that `write_tensors` has put into a file; none for a plain prefix. Raises DamagedStateError."""
    if path.is_dir():
        return {}
    header = _load(path)[1]
    return {key: str(header[key]) for key in SETTINGS if key in header}


def write_peft(directory: Path, key_values: PrefixKeyValues, *, base_model: str) -> None:
    """A directory that peft.PeftModel.from_pretrained loads.

    `base_model`: what PEFT calls base_model_name_or_path. Raises ConfigError for an encoder-decoder's prefix.
    """
    if set(key_values) != {"decoder"}:
        raise ConfigError(
            f"format=peft: PEFT has no prefix for the sites {', '.join(key_values)} of an encoder-decoder; "
            "use format=tensors"
        )
    layers, _, kv_heads, length, head_dim = key_values["decoder"].shape
    config = {
        "peft_type": "PREFIX_TUNING",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "inference_mode": True,
        "num_virtual_tokens": length,
        "num_layers": layers,
        "num_attention_heads": kv_heads,
        "token_dim": kv_heads * head_dim,
        "num_transformer_submodules": 1,
        "prefix_projection": False,
        "encoder_hidden_size": kv_heads * head_dim,
    }
    rows = key_values["decoder"].permute(3, 0, 1, 2, 4).reshape(length, -1)
    _write_peft(directory, config, {PEFT_KEY: rows})


def write_peft_lora(directory: Path, method: LoRA, backbone: Backbone, *, base_model: str) -> None:
    """A directory that peft.PeftModel.from_pretrained loads; base_model: see write_peft.

    GPT-2's joint projection has the ranks of its updated parts together, see LoRA.updates_of_modules.
    """
    updates = method.updates_of_modules()
    ranks = {name: len(a) for name, (a, _) in updates.items()}
    rank = min(ranks.values())
    higher = {name: of_module for name, of_module in ranks.items() if of_module > rank}
    config = {
        "peft_type": "LORA",
        "task_type": "SEQ_2_SEQ_LM" if backbone.is_seq2seq else "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": method.scaling * rank,
        "rank_pattern": higher,
        "alpha_pattern": {name: method.scaling * of_module for name, of_module in higher.items()},
        "target_modules": list(updates),
        "fan_in_fan_out": isinstance(backbone.model.get_submodule(next(iter(updates))), Conv1D),
        "bias": "none",
    }
    tensors = {
        f"base_model.model.{name}.{kind}.weight": tensor
        for name, pair in updates.items()
        for kind, tensor in zip(("lora_A", "lora_B"), pair, strict=True)
    }
    _write_peft(directory, config, tensors)


def _write_peft(directory: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    plain = {name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}
    files.make_directory(directory)
    files.write_bytes(directory / PEFT_WEIGHTS, save(plain, {"format": "pt"}))
    files.write_json(directory / PEFT_CONFIG, config)


def read_prefix(path: Path, backbone: Backbone, layers: int | None = None) -> PrefixKeyValues:
    """A prefix for `backbone` from either form, float32, on its device.

    layers: how many have a prefix; None for all.

    Raises:
        DamagedStateError: not readable, or with numbers that are not finite.
        ConfigError: of another method, or for a model of another shape; says what does not fit.
    """
    key_values = _from_peft(path, backbone) if path.is_dir() else _from_file(path, backbone)
    count, shape = layers or backbone.shape.layers, backbone.shape
    of_prefix = (count, 2, shape.kv_heads, None, shape.head_dim)
    return {
        name: _float_tensor(f"{path}: {name}", tensor, (count, shape.heads) if name.startswith(GATE) else of_prefix).to(
            backbone.head.device
        )
        for name, tensor in key_values.items()
    }


def _from_file(path: Path, backbone: Backbone) -> PrefixKeyValues:
    tensors, header = _load(path)
    made_for = header.get("model_sha256")
    if header.get("format") == FORMAT and made_for is None:
        raise DamagedStateError(f"{path}: its header has no model_sha256; export the prefix again")
    if header.get("format") == FORMAT and made_for != backbone.files.fingerprint:
        raise ConfigError(
            f"{path}: is a prefix for {shortened(header.get('model'))} with SHA-256 {str(made_for)[:12]}; this "
            f"model is {backbone.files.fingerprint[:12]}"
        )
    gates = {GATE + site for site in backbone.sites if header.get("method") == "prefix_gated"}
    unknown = sorted(set(tensors) - set(backbone.sites) - gates)
    if unknown or not tensors:
        raise ConfigError(
            f"{path}: holds {shortened(', '.join(unknown)) or 'no tensor'}; a prefix for this model has tensors called "
            f"{', '.join(backbone.sites)}"
        )
    return tensors


def _from_peft(directory: Path, backbone: Backbone) -> PrefixKeyValues:
    path, shape = directory / PEFT_CONFIG, backbone.shape
    with reading(path, "no PEFT configuration; save it again", DamagedStateError):
        config = json.loads(path.read_text(encoding="utf-8"))
        kind, parts = config["peft_type"], config.get("num_transformer_submodules")
    if kind != "PREFIX_TUNING":
        raise ConfigError(f"{path}: peft_type is {shortened(kind)}; only PREFIX_TUNING is a prefix")
    if backbone.is_seq2seq or parts not in (None, 1) or config.get("task_type") == "SEQ_2_SEQ_LM":
        raise ConfigError(
            f"{path}: a prefix of an encoder-decoder, which PEFT puts into its decoder in another way; give a file "
            "that `prefixrun export format=tensors` wrote"
        )
    tensors, _ = _load(directory / PEFT_WEIGHTS)
    rows = tensors.get(PEFT_KEY)
    width = shape.layers * 2 * shape.kv_heads * shape.head_dim
    if rows is None or rows.dim() != 2 or rows.shape[1] != width:
        problem = "is missing" if rows is None else f"has the shape {tuple(rows.shape)}"
        raise ConfigError(
            f"{directory / PEFT_WEIGHTS}: {PEFT_KEY} {problem}; for this model it has {width} columns "
            f"({shape.layers} layers x 2 x {shape.kv_heads} heads x {shape.head_dim})"
        )
    by_position = rows.view(len(rows), shape.layers, 2, shape.kv_heads, shape.head_dim)
    return {"decoder": by_position.permute(1, 2, 3, 0, 4).contiguous()}


def _load(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """Tensors and header of a safetensors file."""
    with reading(path, "no safetensors file; export the prefix again", DamagedStateError):
        if path.exists() and not path.is_file():
            raise DamagedStateError(f"{path}: is no file; name a safetensors file or a directory of PEFT")
        tensors = load(path.read_bytes())
        with safe_open(str(path), framework="pt") as opened:
            return tensors, opened.metadata() or {}


def _float_tensor(where: str, tensor: Tensor, expected: tuple[int | None, ...]) -> Tensor:
    """The tensor in float32. expected: its shape, None where any length will do."""
    actual = tuple(tensor.shape)
    if not tensor.is_floating_point() or tensor.element_size() < 2:
        raise ConfigError(
            f"{where}: holds {tensor.dtype}; keys and values are floating point numbers, none below 16 bits"
        )
    if len(actual) != len(expected) or not all(map(_fits, actual, expected)):
        text = ", ".join("length" if size is None else str(size) for size in expected)
        raise ConfigError(f"{where}: has the shape {actual}; for this model it is ({text})")
    numbers = tensor.float()
    if not bool(torch.isfinite(numbers).all()):
        raise DamagedStateError(f"{where}: holds numbers that are not finite in float32; export the prefix again")
    return numbers


def _fits(size: int, expected: int | None) -> bool:
    return size > 0 if expected is None else size == expected

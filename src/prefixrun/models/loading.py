"""How a backbone is loaded: its files found, its tokenizer and weights read, and the model checked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, reading
from prefixrun.models import quantised
from prefixrun.models.architectures import random_model
from prefixrun.models.attention import use_prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.checkpoint import load_model
from prefixrun.models.configuration import configuration, quiet
from prefixrun.models.families import check_attention, check_configuration, shape_of
from prefixrun.models.first_layers import keep_first
from prefixrun.models.gguf import dequantised
from prefixrun.models.layouts import layout_of
from prefixrun.models.model_directory import ModelDirectory, contents
from prefixrun.models.self_check import check_once
from prefixrun.models.tokenizer import Tokenizer, byte_tokenizer
from prefixrun.models.tokenizer_files import load_tokenizer
from prefixrun.models.weights import ModelFiles, locate

DTYPES: Mapping[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Number formats of the weights by the name that `precision` takes."""


def load(config: ModelConfig, *, device: str = "cpu", precision: str = "fp32") -> Backbone:
    """Load a backbone, frozen and in eval mode, so that its dropout is off as in the paper's GPT-2 code.

    precision: a key of DTYPES.

    Raises:
        MissingPartError, ConfigError: see weights.locate, configuration, tokenizer_files, checkpoint, families,
            self_check, first_layers and quantised.
    """
    files = locate(config)
    transformers_logging.disable_progress_bar()  # the weights are there in a second; the bar would only interrupt
    if config.source == "random":
        model = random_model(str(config.architecture))
        check_configuration(config, model.config)
        tokenizer = byte_tokenizer(layout_of(config, model.config.to_dict()))
    else:
        directory, model_config, tokenizer = _read_without_weights(config, files)
        model = load_model(directory, model_config)
        check_attention(config, model, shape_of(model_config))
    backbone = frozen(model, tokenizer, files)
    if config.source != "random":
        _check_computes(config, backbone, directory.label)
    keep_first(config, backbone.model)
    if config.quantize is not None:
        quantised.quantise(config, backbone.model, torch.device(device), DTYPES[precision])
    _convert(backbone.model, torch.device(device), DTYPES[precision])
    return backbone


def _convert(model: PreTrainedModel, device: torch.device, dtype: torch.dtype) -> None:
    """Move a model to a device and a number format, but for its rotary frequencies, which stay in float32 as where
    transformers loads it: a position is multiplied by them, so that at position 1,000 bfloat16 would be off by a tenth
    of a radian or more."""
    frequencies = [
        (module, name, buffer.to(device))
        for path, module in model.named_modules()
        if path.endswith("rotary_emb")
        for name, buffer in module.named_buffers(recurse=False)
    ]
    nn.Module.to(model, device, dtype)
    for module, name, buffer in frequencies:
        setattr(module, name, buffer)


def tokenizer_of(config: ModelConfig) -> Tokenizer:
    """The tokenizer of a model whose weights are not needed. Raises as `load`."""
    files = locate(config)
    if config.source == "random":
        return byte_tokenizer()
    return _read_without_weights(config, files)[2]


def _read_without_weights(config: ModelConfig, files: ModelFiles) -> tuple[ModelDirectory, PreTrainedConfig, Tokenizer]:
    """The directory of a model, its configuration and its tokenizer."""
    directory = files.contents or _of_package(files)
    model_config = configuration(config, directory.config, directory.label)
    return directory, model_config, load_tokenizer(directory, model_config, layout_of(config, model_config.to_dict()))


def _of_package(files: ModelFiles) -> ModelDirectory:
    """The model of the package, from the copy in this user's cache that `gguf` makes of it."""
    directory = dequantised(files)
    return contents(directory, f"{directory} (delete it, and it is made again)")


def _check_computes(config: ModelConfig, backbone: Backbone, label: str) -> None:
    """One forward pass over end tokens, which must give finite numbers, and the check against transformers.

    Raises ConfigError: what is left to be wrong is in config.json, such as an epsilon that makes every output NaN, or
    a model that computes what this program does not; see self_check.
    """
    length = 1 + getattr(backbone.model.config, "relative_attention_num_buckets", 0)  # T5's: every bucket is used
    ids = torch.full((1, length), backbone.tokenizer.end)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if backbone.is_seq2seq:
        inputs["decoder_input_ids"] = ids
    advice = "give the file that belongs to the weights"
    with quiet(), reading(f"{label}: config.json", advice, ConfigError), torch.no_grad():
        logits = backbone.model(**inputs, use_cache=False).logits
        if not logits.isfinite().all():
            raise ConfigError(f"{label}: with config.json the model computes numbers that are not finite; {advice}")
        check_once(config, backbone)


def frozen(model: PreTrainedModel, tokenizer: Tokenizer, files: ModelFiles) -> Backbone:
    """A backbone of a model: with prefix attention, without gradients, in eval mode."""
    use_prefix_attention(model)
    model.requires_grad_(False)
    model.eval()
    return Backbone(model, tokenizer, files)

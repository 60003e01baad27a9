"""The weights of a model, read from the files of a `ModelDirectory` and from nothing else.

transformers fills what a checkpoint lacks with random numbers and drops what it does not know; here both are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedConfig, PreTrainedModel

from prefixrun.errors import ConfigError, reading, shortened
from prefixrun.models.configuration import quiet, without_weights
from prefixrun.models.machine_memory import memory_bytes
from prefixrun.models.model_directory import COPY_AGAIN, ModelDirectory, weight_map

NUMBER_FORMATS = ("F64", "F32", "F16", "BF16")
"""Of the tensors in a safetensors file that can be a weight."""
_BUFFERS = (".attn.bias", ".attn.masked_bias")
"""Causal masks, which GPT-2 checkpoints of earlier years hold as bytes; transformers makes them itself."""
SHOWN_TENSORS = 3
"""Names in a message."""


def load_model(directory: ModelDirectory, model_config: PreTrainedConfig) -> PreTrainedModel:
    """The model with the weights of the directory, in float32.

    Raises ConfigError for files that are damaged, tensors that are missing, unknown or of another shape or type than
    config.json says (but for tied ones and buffers that the model makes itself), and numbers that are not finite.
    """
    label = directory.label
    with ExitStack() as stack, quiet():
        tensors = _tensors(directory, stack)
        shapes = without_weights(model_config, label)
        _check_memory(shapes, tensors, label)
        with reading(f"{label}: its weights", COPY_AGAIN, ConfigError):
            loaded: Any = type(shapes).from_pretrained(
                None,
                config=model_config,
                state_dict=tensors,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # they are in the report, with both shapes
                output_loading_info=True,
            )
    model, report = loaded
    assert isinstance(model, PreTrainedModel)
    _check_report(report, label)
    _check_finite(model, label)
    return model


def _tensors(directory: ModelDirectory, stack: ExitStack) -> dict[str, Any]:
    """Name of a tensor -> a handle that reads it when it is needed. The files are open as long as `stack` is."""
    tensors: dict[str, Any] = {}
    shard_of: dict[str, str] = {}
    for path in directory.weights:
        with reading(f"{directory.label}: {path.name}", COPY_AGAIN, ConfigError):
            stream = stack.enter_context(safe_open(path, framework="pt"))
            for name in stream.keys():  # noqa: SIM118 - the stream cannot be iterated
                tensors[name], shard_of[name] = stream.get_slice(name), path.name
    if directory.index is not None:
        named = weight_map(directory.index, directory.label)
        if wrong := sorted(name for name in {*named, *shard_of} if named.get(name) != shard_of.get(name)):
            raise ConfigError(
                f"{directory.label}: {directory.index.name} and the shards do not agree about {_names(wrong)}; "
                f"{COPY_AGAIN}"
            )
    for name, tensor in list(tensors.items()):
        if (number_format := tensor.get_dtype()) not in NUMBER_FORMATS:
            if not name.endswith(_BUFFERS):
                raise ConfigError(
                    f"{directory.label}: {shortened(name)} has numbers of the type {number_format}; weights must be "
                    f"{', '.join(NUMBER_FORMATS)}"
                )
            del tensors[name]
    return tensors


def _check_memory(shapes: PreTrainedModel, tensors: Mapping[str, Any], label: str) -> None:
    """Before anything is allocated: config.json must describe about what the files hold, and that must fit."""
    described = sum(parameter.numel() for parameter in shapes.parameters())
    stored = sum(torch.Size(tensor.get_shape()).numel() for tensor in tensors.values())
    if described > 2 * stored:
        raise ConfigError(
            f"{label}: config.json describes {described:,} parameters, and the weights hold {stored:,} numbers; give "
            "the files of one model"
        )
    memory = memory_bytes(torch.device("cpu"))
    if memory is not None and 4 * described > memory:
        raise ConfigError(
            f"{label}: its {described:,} parameters take {4 * described / 2**30:,.1f} GiB in float32, and this machine "
            f"has {memory / 2**30:,.1f} GiB of memory; take a smaller model"
        )


def _check_report(report: Mapping[str, Any], label: str) -> None:
    other_shape = [f"{name} {tuple(stored)}, not {tuple(wanted)}" for name, stored, wanted in report["mismatched_keys"]]
    groups = {
        "missing": sorted(report["missing_keys"]),
        "not known": sorted(report["unexpected_keys"]),
        "of another shape": sorted(other_shape),
        "not readable": sorted(report["error_msgs"]),
    }
    if problems := [f"{what}: {_names(names)}" for what, names in groups.items() if names]:
        raise ConfigError(
            f"{label}: its weights are not those of config.json ({'; '.join(problems)}); give the files of one model"
        )


def _check_finite(model: PreTrainedModel, label: str) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        # aminmax hands NaN on, and is fifteen times as fast as isfinite on every number.
        if tensor.is_floating_point() and tensor.numel() and not torch.stack(torch.aminmax(tensor)).isfinite().all():
            raise ConfigError(f"{label}: {name} holds NaN or infinite numbers; give weights that are finite")


def _names(names: list[str]) -> str:
    shown = ", ".join(shortened(name) for name in names[:SHOWN_TENSORS])
    more = len(names) - SHOWN_TENSORS
    return f"{shown} and {more:,} more" if more > 0 else shown

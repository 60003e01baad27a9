"""Whether a run can fit the memory of this machine, asked before anything large is allocated.

The estimate is a lower bound: only arrays that every run of the configuration holds at one time are counted, so that
nothing is refused that could run. What passes may still need more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from prefixrun.config.method_sizes import size_of, size_override
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.methods.parameter_count import count
from prefixrun.models.backbone import Backbone
from prefixrun.models.machine_memory import memory_bytes
from prefixrun.models.quantised import weight_bytes

FLOAT32_BYTES = 4
TRAINED_BYTES = 4 * FLOAT32_BYTES
"""Of one trained number while an optimiser step is made: itself, its gradient, and AdamW's two running means."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a stage holds at least, and the setting that they follow from."""

    bytes: int
    what: str
    setting: str


def refuse_too_large(config: Config, backbone: Backbone, inputs: int, targets: Sequence[int] = ()) -> None:
    """Raise ConfigError, with both numbers and the key to lower, when a stage needs more memory than there is.

    inputs: how many are decoded. targets: tokens of the target of each training pair.
    """
    available = memory_bytes(backbone.head.device)
    if available is None:
        return
    model = weight_bytes(backbone.model)
    for need in (*_needs(config, backbone, inputs), *_needs_of_batches(config, backbone, targets)):
        if need.bytes + model > available:
            raise ConfigError(
                f"{need.setting}: {need.what} need at least {_gibibytes(need.bytes)} beside the model's "
                f"{_gibibytes(model)}, and there are {_gibibytes(available)} of memory; lower it"
            )


def _needs(config: Config, backbone: Backbone, inputs: int) -> Iterator[MemoryNeed]:
    if METHOD_SPECS[config.method.name].trains:
        trained = count(config, backbone).trained
        # Positions beside which an MLP is small are named by their number, other methods by their size.
        size = size_override(config) or f"method={config.method.name}"
        without_mlp = replace(config, method=replace(config.method, mid_dim=1))
        has_mlp = count(without_mlp, backbone).trained < trained
        is_mlp = has_mlp and config.method.mid_dim > (size_of(config) or 0)
        setting = f"method.mid_dim={config.method.mid_dim}" if is_mlp else size
        yield MemoryNeed(trained * TRAINED_BYTES, f"{trained:,} trained numbers", setting)
    if config.decode.max_new_tokens > 1:  # for the first token each input is one row
        rows = min(config.decode.batch_size, inputs) * config.decode.beams
        logits = rows * backbone.head.shape[0] * FLOAT32_BYTES
        yield MemoryNeed(logits, f"the logits of {rows:,} beams", f"decode.beams={config.decode.beams}")


def _needs_of_batches(config: Config, backbone: Backbone, targets: Sequence[int]) -> Iterator[MemoryNeed]:
    """The largest batch has at least the mean number of target tokens a pair, and every layer keeps its input for each
    position until the backward pass, with gradient checkpointing too. Top layers alone keep less."""
    if targets and METHOD_SPECS[config.method.name].trains and config.method.name != "finetune_top":
        pairs = min(config.train.batch_size, len(targets))
        positions = pairs * sum(targets) // len(targets)
        size = positions * (backbone.shape.layers - 1) * backbone.shape.width * backbone.head.element_size()
        yield MemoryNeed(
            size, f"the layers' inputs for {positions:,} tokens", f"train.batch_size={config.train.batch_size}"
        )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"

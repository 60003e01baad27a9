"""Finished runs and prefixes of others, used on inputs: several prefixes of one model share every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding import beam_search as search
from prefixrun.errors import ConfigError
from prefixrun.methods import Method, PrefixKeyValues
from prefixrun.methods.combine_prefixes import average, concatenate
from prefixrun.methods.mixed_batch import MixedPrefixes
from prefixrun.methods.peft_format import read_prefix
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.results.lookup import find, open_run
from prefixrun.runs.prepare import load_backbone

COMBINATIONS: Mapping[str, Callable[[Sequence[PrefixKeyValues]], PrefixKeyValues]] = {
    "concatenate": concatenate,
    "average": average,
}


@dataclass(frozen=True, slots=True)
class Served:
    """A trained method on its backbone, with the decoding it is used with."""

    name: str
    backbone: Backbone
    method: Method
    decode: DecodeConfig


def from_runs(
    results_dir: Path,
    names: Sequence[str],
    *,
    combine: str | None = None,
    decode: str | None = None,
    model_path: str | None = None,
) -> list[Served]:
    """Finished runs by id or directory; with `combine` their prefixes as one.

    Raises:
        DataError, ConfigError, DamagedStateError: see reopen; also runs whose prefixes cannot be combined.
    """
    opened = [open_run(find(results_dir, name), model_path=model_path) for name in names]
    settings = [compose([f"decode={decode}"]).decode if decode else one.config.decode for one in opened]
    served = [
        Served(one.record.run_id, one.backbone, one.method, setting)
        for one, setting in zip(opened, settings, strict=True)
    ]
    if combine is None:
        return served
    if not all(_is_prefix(one) for one in served) or len({id(one.backbone.model) for one in served}) > 1:
        raise ConfigError(f"combine={combine}: needs runs of method=prefix or prefix_flat on one model")
    flats = [one.method.key_values(one.backbone) for one in served]
    name = f"{combine}({','.join(one.name for one in served)})"
    return [replace(served[0], name=name, method=FixedPrefix(COMBINATIONS[combine](flats)))]


def from_prefix(path: Path, model: str, decode: str | None = None) -> list[Served]:
    """A prefix in a file or PEFT directory, for the model of conf/model that it was made for; see read_prefix."""
    config = compose([f"model={model}", *([f"decode={decode}"] if decode else [])])
    backbone = load_backbone(config)
    return [Served(path.name, backbone, FixedPrefix(read_prefix(path, backbone)), config.decode)]


def outputs(served: Sequence[Served], sources: Sequence[str]) -> list[list[str]]:
    """The outputs of each for all sources. Prefixes that share model and decoding go through the same batches."""
    mixed = [one for one in served if _can_mix(one) and _alike(one, served[0])]
    together = dict(zip((id(one) for one in mixed), _mixed(mixed, sources), strict=True)) if len(mixed) > 1 else {}
    return [together.get(id(one)) or _alone(one, sources) for one in served]


def _can_mix(one: Served) -> bool:
    """Rows of one batch have prefixes of their own in decoder-only models."""
    return _is_prefix(one) and not one.backbone.is_seq2seq


def _is_prefix(one: Served) -> bool:
    return type(one.method) is FixedPrefix


def _alike(one: Served, other: Served) -> bool:
    return one.backbone.model is other.backbone.model and one.decode == other.decode


def _alone(one: Served, sources: Sequence[str]) -> list[str]:
    prompts = [one.backbone.tokenizer.source(source) for source in sources]
    size, texts = one.decode.batch_size, list[str]()
    with one.method.attach(one.backbone), prepacked_weights(one.backbone.model):
        for start in range(0, len(prompts), size):
            found = search.generate(one.backbone, one.method, prompts[start : start + size], one.decode)
            texts += [one.backbone.tokenizer.output(ids) for ids in found]
    return texts


def _mixed(served: Sequence[Served], sources: Sequence[str]) -> list[list[str]]:
    """Row by row: source 0 for every prefix, source 1 for every prefix, ..."""
    backbone, decode = served[0].backbone, served[0].decode
    flats = [one.method.key_values(backbone) for one in served]
    rows = [(source, number) for source in sources for number in range(len(served))]
    texts: list[list[str]] = [[] for _ in served]
    with prepacked_weights(backbone.model):
        for start in range(0, len(rows), decode.batch_size):
            batch = rows[start : start + decode.batch_size]
            method = MixedPrefixes(flats, [number for _, number in batch])
            prompts = [backbone.tokenizer.source(source) for source, _ in batch]
            for (_, number), ids in zip(batch, search.generate(backbone, method, prompts, decode), strict=True):
                texts[number].append(backbone.tokenizer.output(ids))
    return texts

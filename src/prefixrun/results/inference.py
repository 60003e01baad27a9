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
        DataError, ConfigError, DamagedStateError: see open_run; also runs whose prefixes cannot be combined.
    """
    served = []
    for name in names:
        opened = open_run(find(results_dir, name), model_path=model_path)
        decoding = compose([f"decode={decode}"]).decode if decode else opened.config.decode
        served.append(Served(opened.record.run_id, opened.backbone, opened.method, decoding))
    if combine is None:
        return served
    first, models = served[0], {id(each.backbone.model) for each in served}
    if len(models) > 1 or not all(map(_is_prefix, served)):
        raise ConfigError(f"combine={combine}: needs runs of method=prefix or prefix_flat on one model")
    prefix = COMBINATIONS[combine]([each.method.key_values(each.backbone) for each in served])
    name = f"{combine}({','.join(each.name for each in served)})"
    return [replace(first, name=name, method=FixedPrefix(prefix))]


def from_prefix(path: Path, model: str, decode: str | None = None) -> list[Served]:
    """A prefix in a file or PEFT directory, for the model of conf/model that it was made for; see read_prefix."""
    config = compose([f"model={model}", *([f"decode={decode}"] if decode else [])])
    backbone = load_backbone(config)
    return [Served(path.name, backbone, FixedPrefix(read_prefix(path, backbone)), config.decode)]


def outputs(served: Sequence[Served], sources: Sequence[str]) -> list[list[str]]:
    """For each of `served` its outputs for all sources. Prefixes that share model and decoding share their batches."""
    sharing = [each for each in served if _can_share_batches(each, served[0])]
    by_identity = {id(each): texts for each, texts in zip(sharing, _generate_shared(sharing, sources), strict=True)}
    return [by_identity[id(each)] if id(each) in by_identity else _generate(each, sources) for each in served]


def _can_share_batches(each: Served, first: Served) -> bool:
    """Decoder-only models take another prefix for each row of a batch."""
    is_same = each.backbone.model is first.backbone.model and each.decode == first.decode
    return is_same and _is_prefix(each) and not each.backbone.is_seq2seq


def _is_prefix(each: Served) -> bool:
    return type(each.method) is FixedPrefix


def _generate(served: Served, sources: Sequence[str]) -> list[str]:
    backbone, size = served.backbone, served.decode.batch_size
    prompts = [backbone.tokenizer.source(source) for source in sources]
    texts: list[str] = []
    with served.method.attach(backbone), prepacked_weights(backbone.model):
        for start in range(0, len(prompts), size):
            batch = search.generate(backbone, served.method, prompts[start : start + size], served.decode)
            texts += [backbone.tokenizer.output(ids) for ids in batch]
    return texts


def _generate_shared(served: Sequence[Served], sources: Sequence[str]) -> list[list[str]]:
    """The outputs of several prefixes. A batch has source 0 for every prefix, then source 1 for every prefix, ..."""
    if len(served) < 2:
        return [_generate(each, sources) for each in served]
    backbone, decode = served[0].backbone, served[0].decode
    prefixes = [each.method.key_values(backbone) for each in served]
    rows = [(source, index) for source in sources for index in range(len(served))]
    texts: list[list[str]] = [[] for _ in served]
    with prepacked_weights(backbone.model):
        for start in range(0, len(rows), decode.batch_size):
            batch = rows[start : start + decode.batch_size]
            method = MixedPrefixes(prefixes, [index for _, index in batch])
            prompts = [backbone.tokenizer.source(source) for source, _ in batch]
            for (_, index), ids in zip(batch, search.generate(backbone, method, prompts, decode), strict=True):
                texts[index].append(backbone.tokenizer.output(ids))
    return texts

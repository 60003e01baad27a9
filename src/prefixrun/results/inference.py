"""Finished runs and prefixes of others, used on inputs: several prefixes of one model share every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.config.validate import shown
from prefixrun.decoding.generate import generate_all, generate_each
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.methods import Method, restore
from prefixrun.methods.infix import Infix
from prefixrun.methods.mixed_batch import MixedPrefixes
from prefixrun.methods.peft_format import read_prefix, settings_of
from prefixrun.methods.prefix import FixedPrefix, chosen_layers
from prefixrun.methods.prefix_combined import combined
from prefixrun.methods.prompt import EncoderPrompt
from prefixrun.models.backbone import Backbone
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.results.lookup import find, open_run
from prefixrun.results.nested_runs import shortened_run
from prefixrun.runs.prepare import check_beams, load_backbone


@dataclass(frozen=True, slots=True)
class Predictor:
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
    settings: Mapping[str, str] | None = None,
    model_path: str | None = None,
    prefix_len: str | None = None,
) -> list[Predictor]:
    """Finished runs by id or directory; with `combine` their prefixes as one. decode, settings: see `decoding`.
    prefix_len: see nested_runs.shortened_run.

    Raises:
        DataError, ConfigError, DamagedStateError: see open_run; also runs whose prefixes cannot be combined.
    """
    predictors = []
    for name in names:
        opened = open_run(find(results_dir, name), model_path=model_path)
        if prefix_len is not None:
            opened = shortened_run(opened, prefix_len)
        config = decoding(opened.config.decode, decode, settings or {})
        predictors.append(Predictor(opened.record.run_id, opened.backbone, opened.method, config))
    if combine is None:
        return predictors
    first, models = predictors[0], {id(predictor.backbone.model) for predictor in predictors}
    if len(models) > 1 or not all(map(_is_prefix, predictors)):
        raise ConfigError(
            f"combine={combine}: needs runs of method=prefix or prefix_flat on one model, with a prefix at every layer"
        )
    prefix = combined(combine, [predictor.method.key_values(predictor.backbone) for predictor in predictors])
    name = f"{combine}({','.join(predictor.name for predictor in predictors)})"
    return [replace(first, name=name, method=FixedPrefix(prefix))]


def decoding(config: DecodeConfig, name: str | None, settings: Mapping[str, str]) -> DecodeConfig:
    """A decoding, or in its place the one called `name` in conf/decode, with changed settings (`decode.KEY` → value).

    Raises ConfigError as the composition of a run.
    """
    if name is None:
        run_settings = {f"decode.{key}": shown(value) for key, value in asdict(config).items() if key != "name"}
        settings = {**run_settings, "decode.name": config.name, **settings}
    overrides = (f"{key}={value}" for key, value in settings.items())
    return compose([f"decode={name or 'greedy'}", *overrides]).decode


def from_prefix(
    path: Path, model: Sequence[str], decode: str | None = None, settings: Mapping[str, str] | None = None
) -> list[Predictor]:
    """A prefix in a file or PEFT directory; see read_prefix.

    model: the model that it was made for, as overrides of a run (``model=NAME``). Raises ConfigError as the composition
    of a run.
    """
    settings_of_prefix = [f"{key}={value}" for key, value in settings_of(path).items()]
    config = compose([*model, *settings_of_prefix])
    decode_config = decoding(config.decode, decode, settings or {})
    backbone = load_backbone(config)
    layers = chosen_layers(config, backbone)
    tensors = read_prefix(path, backbone, None if layers is None else len(layers))
    return [Predictor(path.name, backbone, restore(config, backbone, tensors), decode_config)]


def outputs(predictors: Sequence[Predictor], sources: Sequence[str]) -> list[list[str]]:
    """For each of `predictors` the first output for each source, see all_outputs."""
    return [[several[0] for several in of_run] for of_run in all_outputs(predictors, sources)]


def all_outputs(predictors: Sequence[Predictor], sources: Sequence[str]) -> list[list[list[str]]]:
    """For each of `predictors` its outputs for all sources. Prefixes that share model and decoding share their batches.

    Raises ConfigError for an input that with prefix and output is longer than the model's context, and
    DamagedStateError for what computes numbers that are not finite.
    """
    if not sources:
        return [[] for _ in predictors]
    for predictor in predictors:
        check_beams(predictor.decode, predictor.backbone)
        _check_lengths(predictor, sources)
        _check_finite(predictor, sources[0])
    sharing = [predictor for predictor in predictors if _can_share_batches(predictor, predictors[0])]
    by_identity = {
        id(predictor): texts for predictor, texts in zip(sharing, _generate_shared(sharing, sources), strict=True)
    }
    return [
        by_identity[id(predictor)] if id(predictor) in by_identity else _generate(predictor, sources)
        for predictor in predictors
    ]


def _check_lengths(predictor: Predictor, sources: Sequence[str]) -> None:
    """As runs.prepare does before a run; the decoder of an encoder-decoder has as many positions for the output."""
    backbone, written = predictor.backbone, predictor.decode.max_new_tokens
    context = backbone.shape.context
    if context is None:
        return
    taken = _positions_taken(predictor)
    if backbone.is_seq2seq and written > context:
        raise ConfigError(
            f"decode: outputs of up to {written} tokens, and the decoder has {context} positions; give decode=NAME of "
            "another decoding"
        )
    for number, source in enumerate(sources, start=1):
        length = len(backbone.tokenizer.source(source))
        needed = taken + length + (0 if backbone.is_seq2seq else written)
        if needed > context:
            parts = [f"{taken} of prefix or prompt"] * (taken > 0) + [f"{length} of input {number}"]
            parts += [f"{written} of output"] * (not backbone.is_seq2seq)
            raise ConfigError(
                f"{predictor.name}: {', '.join(parts)} need {needed} positions, and the model has {context}; shorten "
                "the input, or give a shorter prefix or decode=NAME of a decoding with shorter outputs"
            )


def _positions_taken(predictor: Predictor) -> int:
    """Of the context that input and output share, or that an encoder has for the input, where a prefix takes none."""
    method = predictor.method
    if isinstance(method, EncoderPrompt):
        return len(method.ids)
    if predictor.backbone.is_seq2seq:
        return 0
    return method.length if isinstance(method, Infix) else method.offset


def _check_finite(predictor: Predictor, source: str) -> None:
    """Of the states before the first token: those of a prefix with huge or damaged numbers are no numbers."""
    backbone = predictor.backbone
    with torch.inference_mode(), predictor.method.attach(backbone):
        hidden = predictor.method.prefill(backbone, [backbone.tokenizer.source(source)]).hidden
    if not bool(torch.isfinite(hidden).all()):
        raise DamagedStateError(
            f"{predictor.name}: the model computes numbers with it that are not finite; train or export it again"
        )


def _can_share_batches(predictor: Predictor, first: Predictor) -> bool:
    """Decoder-only models take another prefix for predictor row of a batch."""
    is_same = predictor.backbone.model is first.backbone.model and predictor.decode == first.decode
    return is_same and _is_prefix(predictor) and not predictor.backbone.is_seq2seq


def _is_prefix(predictor: Predictor) -> bool:
    """Whether it stands in front of every layer."""
    return type(predictor.method) is FixedPrefix and predictor.method.layers is None


def _generate(predictor: Predictor, sources: Sequence[str]) -> list[list[str]]:
    backbone = predictor.backbone
    prompts = [backbone.tokenizer.source(source) for source in sources]
    with prepacked_weights(backbone.model):
        outputs = dict(generate_each(backbone, predictor.method, prompts, predictor.decode))
    return [[backbone.tokenizer.output(ids) for ids in outputs[index]] for index in range(len(prompts))]


def _generate_shared(predictors: Sequence[Predictor], sources: Sequence[str]) -> list[list[list[str]]]:
    """The outputs of several prefixes. A batch has source 0 for every prefix, then source 1 for every prefix, ...; each
    prefix has it in the form of its own task (instruction, greatest length)."""
    if len(predictors) < 2:
        return [_generate(predictor, sources) for predictor in predictors]
    backbone, decode = predictors[0].backbone, predictors[0].decode
    prefixes = [predictor.method.key_values(backbone) for predictor in predictors]
    rows = [(source, index) for source in sources for index in range(len(predictors))]
    texts: list[list[list[str]]] = [[] for _ in predictors]
    with prepacked_weights(backbone.model):
        for start in range(0, len(rows), decode.batch_size):
            batch = rows[start : start + decode.batch_size]
            method = MixedPrefixes(prefixes, [index for _, index in batch])
            prompts = [predictors[index].backbone.tokenizer.source(source) for source, index in batch]
            for (_, index), several in zip(batch, generate_all(backbone, method, prompts, decode), strict=True):
                texts[index].append([backbone.tokenizer.output(ids) for ids in several])
    return texts

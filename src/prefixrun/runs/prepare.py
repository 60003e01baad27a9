"""What a run needs before anything is written: data, backbone, texts as tokens, and the check that they fit.

Data are read and tokenised here, once, and handed on as one `PreparedRun`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import torch

from prefixrun import methods, metrics
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config, DecodeConfig, ModelConfig
from prefixrun.data.run_data import RunData
from prefixrun.errors import ConfigError
from prefixrun.methods import prompt
from prefixrun.methods.budget import check_total
from prefixrun.methods.init import word_ids
from prefixrun.methods.init_source import InitSource, context_source
from prefixrun.methods.teacher import TeacherContext, check_length, context_of
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, tokenise
from prefixrun.models.loading import load
from prefixrun.models.weights import locate
from prefixrun.runs.combined_runs import combination
from prefixrun.runs.devices import device
from prefixrun.runs.memory_estimate import refuse_too_large
from prefixrun.runs.source_run import instruction_of, text_of, trained_source
from prefixrun.tracking import refuse_missing

_loaded: dict[tuple[ModelConfig, str, str, str], Backbone] = {}
"""The model of the last run, for the next one of the same process, by its configuration, device, number format and the
contents of its files: no method ever changes it."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """Inputs of one part of a run that task.max_source_tokens cuts."""

    cut: int
    """Inputs that lose their end."""
    of: int
    """Inputs in all; an input counts once, however many references it has."""


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """What the stages of a run begin with."""

    config: Config
    data: RunData
    backbone: Backbone
    """The frozen model, on its device; its tokenizer cuts inputs as the task says."""
    train_pairs: tuple[PairIds, ...]
    dev_pairs: tuple[PairIds, ...]
    prompts: Mapping[str, Sequence[int]]
    """Text of a scored input -> its token ids."""
    truncation: Mapping[str, Truncation]
    """For ``train`` (the chosen pairs), ``dev`` (the pairs whose loss is measured) and ``scored`` (what is decoded)."""
    init_source: InitSource | None = None
    """What the prefix is initialised from, with init=text, examples or run."""
    teacher: TeacherContext | None = None
    """What the teacher reads, with train.objective=distill."""


def prepare(config: Config) -> PreparedRun:
    """Read, load and tokenise what a run begins with, and refuse what could only fail later. Nothing is written.

    Raises:
        ConfigError: a task without metrics; sites or layers that the model does not have; a budget that was solved for
            another model; init_words of another length; a text, examples or a run that cannot initialise the prefix; a
            context that the teacher cannot have; prefix, input and output longer than the model's context.
        DataError: a corpus is missing or not the release.
        MissingPartError: the model, or the package of a method or a tracker, is not installed.
    """
    metrics.suite(config.task.scored_as)
    refuse_missing(config.tracker)
    data = RunData.load(config)
    backbone = load_backbone(config)
    methods.refuse(config, backbone)
    check_beams(config.decode, backbone)
    if config.budget is not None:
        check_total(config, backbone)
    if METHOD_SPECS[config.method.name].has_init and config.init.name == "words":
        word_ids(backbone, config.init_words, config.default_words, config.prefix_len, config.budget)
    init_source = _init_source(config, backbone, data)
    tokenizer = backbone.tokenizer
    teacher = context_of(config, tokenizer, instruction_of(config), data.pairs)
    all_pairs = (*data.pairs, *data.dev_pairs)
    sources = dict.fromkeys([*(pair.source for pair in all_pairs), *(example.source for example in data.inputs)])
    prompts = {source: tokenizer.cut_source(source) for source in sources}
    pairs = tokenise(all_pairs, tokenizer, {source: ids for source, (ids, _) in prompts.items()})
    targets = [len(pair.target) for pair in pairs[: len(data.pairs)]]
    refuse_too_large(config, backbone, len(data.inputs), targets)
    prepared = PreparedRun(
        config=config,
        data=data,
        backbone=backbone,
        train_pairs=tuple(pairs[: len(data.pairs)]),
        dev_pairs=tuple(pairs[len(data.pairs) :]),
        prompts={example.source: prompts[example.source][0] for example in data.inputs},
        truncation=_truncation(data, {source for source, (_, is_cut) in prompts.items() if is_cut}),
        init_source=init_source,
        teacher=teacher,
    )
    if teacher is not None:
        check_length(config, backbone, teacher, pairs)
    _check_context(prepared)
    return prepared


def load_backbone(config: Config) -> Backbone:
    """The frozen model, on its device; its tokenizer cuts inputs as the task says.

    Raises MissingPartError when it is not on this machine.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    key = config.model, device(config), config.precision, locate(config.model).fingerprint
    if key not in _loaded:
        _loaded.clear()  # before the next one is there, which may need all of the memory
        _loaded[key] = load(config.model, device=key[1], precision=config.precision)
    backbone = _loaded[key]
    tokenizer = backbone.tokenizer.of_task(config.instruction, config.task.max_source_tokens)
    return replace(backbone, tokenizer=tokenizer)


def _init_source(config: Config, backbone: Backbone, data: RunData) -> InitSource | None:
    """What the prefix is initialised from, with init=text, examples or run, or is combined from. Raises ConfigError."""
    if config.method.name == "prefix_combined":
        return combination(config)
    if not METHOD_SPECS[config.method.name].has_init:
        return None
    if config.init.name == "run":
        with torch.device("meta"):
            tensors = methods.build(config, backbone).trained_tensors()
        return trained_source(config, {site: tensors[site].shape for site in backbone.sites if site in tensors})
    text = text_of(config) if config.init.name == "text" else None
    return context_source(config, backbone, text, data.pairs)


def _truncation(data: RunData, cut_sources: Set[str]) -> Mapping[str, Truncation]:
    sources_of_part = {
        "train": {pair.example_id: pair.source for pair in data.pairs},
        "dev": {pair.example_id: pair.source for pair in data.dev_pairs},
        "scored": {example.id: example.source for example in data.inputs},
    }
    return {
        part: Truncation(sum(source in cut_sources for source in sources.values()), len(sources))
        for part, sources in sources_of_part.items()
    }


def describe_truncation(prepared: PreparedRun) -> str:
    """One line for the log: how many inputs of each part lose their end."""
    counts = ", ".join(f"{part} {cut.cut:,} of {cut.of:,}" for part, cut in prepared.truncation.items())
    return f"inputs cut to {prepared.config.task.max_source_tokens} tokens (task.max_source_tokens): {counts}"


def _check_context(prepared: PreparedRun) -> None:
    """Refuse sequences that are longer than the model's context, where it has a limit."""
    backbone, decode = prepared.backbone, prepared.config.decode
    context = backbone.shape.context
    if context is None:
        return
    pairs = (*prepared.train_pairs, *prepared.dev_pairs)
    longest_source = max(len(ids) for ids in (*prepared.prompts.values(), *(pair.source for pair in pairs)))
    longest_output = max(decode.max_new_tokens, *(len(pair.target) for pair in pairs))
    _check_init(prepared.config, context)
    check = _check_encoder_decoder if backbone.is_seq2seq else _check_decoder_only
    check(prepared, context, longest_source, longest_output)


def check_beams(decode: DecodeConfig, backbone: Backbone) -> None:
    """Each step of a beam search looks at twice as many tokens as there are beams. Raises ConfigError for too many."""
    beams, vocabulary = decode.beams, backbone.head.shape[0]
    if 2 * beams > vocabulary:
        raise ConfigError(
            f"decode.beams={beams}: the model has {vocabulary:,} tokens, and each step of the search "
            f"compares {2 * beams:,} of them; lower it"
        )


def _check_init(config: Config, context: int) -> None:
    """An initialisation from tokens reads one for each position of the prefix, whatever the method then does with
    them."""
    has_tokens = METHOD_SPECS[config.method.name].has_init and config.init.name in ("words", "vocab")
    if has_tokens and config.prefix_len > context:
        raise ConfigError(
            f"prefix_len={config.prefix_len}: init={config.init.name} reads as many tokens with {config.model.name}, "
            f"which has {context} positions; lower prefix_len, or give init=random"
        )


def _check_encoder_decoder(prepared: PreparedRun, context: int, source: int, output: int) -> None:
    """The encoder has `context` positions for the input, with a discrete prompt before it, and the decoder as many for
    the output. A prefix takes none of them."""
    config = prepared.config
    name = config.model.name
    prompt_length = _prompt_length(prepared)
    if prompt_length and prompt_length + source > context:
        raise ConfigError(
            f"a prompt of {prompt_length} tokens: with the longest input of {source} tokens the encoder of {name} "
            f"reads {prompt_length + source}, and has {context} positions; give a shorter instruction or fewer "
            "method.shots"
        )
    if source > context:
        raise ConfigError(
            f"task={config.task.name}: its longest input has {source} tokens, and the encoder of {name} has "
            f"{context} positions; give task.max_source_tokens={context - 2} to cut longer ones"
        )
    if output > context:
        raise ConfigError(
            f"decode.max_new_tokens={config.decode.max_new_tokens}: outputs of up to {output} tokens, and the "
            f"decoder of {name} has {context} positions"
        )


def _check_decoder_only(prepared: PreparedRun, context: int, source: int, output: int) -> None:
    """Prefix or discrete prompt, input and output share the `context` positions."""
    config = prepared.config
    spec = METHOD_SPECS[config.method.name]
    prefix_len = config.prefix_len if (spec.has_init or spec.stores_prefix) and spec.shifts_text else 0
    taken = prefix_len or _prompt_length(prepared)
    needed = taken + source + output
    if needed <= context:
        return
    advice = "lower decode.max_new_tokens, or take a model with a longer context"
    if prefix_len:
        where, advice = f"prefix_len={prefix_len}", f"lower prefix_len or {advice.removeprefix('lower ')}"
    elif taken:
        where = f"a prompt of {taken} tokens"
        advice = f"give a shorter method.instruction, fewer method.shots, or {advice}"
    else:
        where = f"decode.max_new_tokens={config.decode.max_new_tokens}"
    raise ConfigError(
        f"{where}: with the longest input of {source} tokens and {output} tokens of output it needs {needed} "
        f"positions, and {config.model.name} has {context}; {advice}"
    )


def _prompt_length(prepared: PreparedRun) -> int:
    """Tokens of a discrete prompt; 0 for other methods."""
    if prepared.config.method.name != "prompt":
        return 0
    return len(prompt.tokens(prepared.config, prepared.backbone.tokenizer, prepared.data.pairs))

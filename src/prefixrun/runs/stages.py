"""The stages of a run that compute: train, generate, score. Each leaves files that the next one starts from."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from prefixrun import files, methods, metrics
from prefixrun.config.schema import Config, ModelConfig
from prefixrun.console import LOG, stage
from prefixrun.data import Corpus, Example
from prefixrun.data.run_data import Corpora
from prefixrun.decoding.beam_search import generate
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.methods import Method, prompt
from prefixrun.methods.budget import check_total
from prefixrun.methods.init import word_ids
from prefixrun.models.backbone import Backbone, load
from prefixrun.models.batches import tokenise
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.runs.learning import Learning
from prefixrun.runs.provenance import peak_memory_bytes, provenance, restart_peak_memory
from prefixrun.runs.result_schema import PREFIX_METHODS, RELEASE, SAMPLE, described
from prefixrun.runs.run import Run
from prefixrun.runs.truncation import Truncation, sentence, truncation
from prefixrun.training import distributed
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import deferred
from prefixrun.training.process_group import current
from prefixrun.training.trainer import Progress, alone

"""Methods that have a length and a start of their own."""


def device(config: Config) -> str:
    """Where the run computes: "cpu" or "cuda". Raises ConfigError for device=cuda without a GPU."""
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise ConfigError("device=cuda: PyTorch finds no GPU here; use device=cpu or device=auto")
    return "cuda" if has_gpu and config.device != "cpu" else "cpu"


def load_backbone(config: Config) -> Backbone:
    """The frozen model, on its device; its tokenizer cuts inputs as the task says.

    Raises MissingPartError when it is not on this machine.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    backbone = _backbone(config.model, device(config), config.precision)
    return replace(backbone, tokenizer=replace(backbone.tokenizer, max_source_tokens=config.task.max_source_tokens))


@lru_cache(maxsize=1)
def _backbone(model: ModelConfig, where: str, precision: str) -> Backbone:
    """Kept for the next run of the same process: no method ever changes it."""
    return load(model, device=where, precision=precision)


def check_fit(config: Config, backbone: Backbone, corpora: Corpora) -> None:
    """Refuse, before anything is written, what could only fail later.

    Raises:
        ConfigError: a task without metrics; sites or layers that the model does not have; a budget that was solved for
            another model; init_words of another length; prefix, input and output longer than the model's context.
        MissingPartError: a method whose package is not installed.
    """
    metrics.suite(config.task.scored_as)
    methods.refuse(config, backbone)
    if config.budget is not None:
        check_total(config, backbone)
    if config.init.name == "words" and config.method.name in PREFIX_METHODS:
        word_ids(backbone, config.init_words, config.default_words, config.prefix_len, config.budget)
    pairs = tokenise((*corpora.pairs, *corpora.dev_pairs), backbone.tokenizer)
    longest_target = max(len(pair.target) for pair in pairs)
    prompts = {len(backbone.tokenizer.source(text)) for text in {example.source for example in corpora.inputs}}
    longest_source = max(prompts | {len(pair.source) for pair in pairs})
    output = max(longest_target, config.decode.max_new_tokens)
    key, front = _front(config, backbone, corpora)
    _check_context(config, backbone, longest_source, output, key, front)


def _check_context(config: Config, backbone: Backbone, source: int, output: int, key: str, front: int) -> None:
    """Refuse sequences that are longer than the model. An encoder-decoder has its positions for the input, with the
    prompt in front of it, and for the output each, and a prefix takes none of them."""
    context, name = backbone.shape.context, config.model.name
    if context is None:
        return
    if backbone.is_seq2seq:
        if config.method.name in PREFIX_METHODS and config.init.name == "words" and config.prefix_len > context:
            raise ConfigError(
                f"prefix_len={config.prefix_len}: init=words reads as many tokens with {name}, which has {context} "
                "positions; lower prefix_len, or give init=random"
            )
        if front and front + source > context:
            raise ConfigError(
                f"{key}={front}: with the longest input of {source} tokens the encoder of {name} reads "
                f"{front + source}, and has {context} positions; give a shorter instruction or fewer method.shots"
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
        return
    needed = front + source + output
    if needed > context:
        raise ConfigError(
            f"{key}={front}: with the longest input of {source} tokens and {output} tokens of "
            f"output it needs {needed} positions, and {name} has {context}; lower {key} or "
            "decode.max_new_tokens, or take a model with a longer context"
        )


def _front(config: Config, backbone: Backbone, corpora: Corpora) -> tuple[str, int]:
    """What takes positions beside input and output, and how many; no prefix does in an encoder-decoder."""
    if config.method.name == "prompt":
        return "tokens of the prompt", len(prompt.tokens(config, backbone.tokenizer, corpora.pairs))
    takes = config.method.name in PREFIX_METHODS and not backbone.is_seq2seq
    return "prefix_len", config.prefix_len if takes else 0


def complete(this: Run, config: Config, corpora: Corpora, backbone: Backbone) -> None:
    """Do what is left of a run that this process holds, up to result.json."""
    restart_peak_memory()
    truncated = truncation(corpora, backbone.tokenizer)
    if config.task.max_source_tokens is not None:
        LOG.info(sentence(truncated, config.task.max_source_tokens))
    method = _trained(this, config, corpora, backbone)
    examples = corpora.inputs
    outputs = _generate(this, config, examples, backbone, method)
    evaluation = metrics.evaluate(
        config.task.scored_as,
        outputs,
        [example.references for example in examples],
        [example.group for example in examples] if any(example.group for example in examples) else None,
        [example.source for example in examples],
    )
    groups = {"group": [example.group for example in examples]} if any(example.group for example in examples) else {}
    stats = pd.DataFrame({"id": [example.id for example in examples], **groups, **evaluation.stats})
    buffer = io.BytesIO()
    stats.to_parquet(buffer, index=False)
    files.write_bytes(this.stats, buffer.getvalue())
    this.finish(_result(this, config, corpora, backbone, evaluation.scores, truncated))
    if not config.keep_trained:
        files.remove(this.trained_file)


def _trained(this: Run, config: Config, corpora: Corpora, backbone: Backbone) -> Method:
    """The trained method ready for use; costs.json says what it took."""
    if this.trained_file.exists():
        Checkpoints(this.checkpoints).remove()  # a kill may have come between the two
        return methods.restore(config, backbone, load_trained(this.trained_file, backbone))
    if config.method.name == "prompt":
        return _prompted(this, config, corpora, backbone)
    world = current()
    world.tell(needed=True)
    learning = Learning(this, config, corpora, backbone, world)
    with stage("training") as shown, deferred(every=world.size > 1) as interruption:
        if world.size > 1:
            distributed.learn(learning, backbone, world, shown, interruption)
        else:
            alone(learning.steps(shown, interruption), backbone)
    return methods.restore(config, backbone, load_trained(this.trained_file, backbone))


def _prompted(this: Run, config: Config, corpora: Corpora, backbone: Backbone) -> Method:
    """Discrete prompting: no stage of training; the prompt's token ids are kept, and which examples it shows."""
    ids = prompt.tokens(config, backbone.tokenizer, corpora.pairs)
    shown = [pair.id for pair in prompt.shown_pairs(config, corpora.pairs)]
    LOG.info("a prompt of %d tokens with %d examples; nothing is trained", len(ids), len(shown))
    record = {
        "parameters": {"trained": 0, "stored": 0, "total": backbone.total},
        "training": {**asdict(Progress()), "fit_error": None, "prompt": {"tokens": len(ids), "examples": shown}},
        "decode_seconds": 0.0,
    }
    stored = {prompt.NAME: torch.tensor(ids)}
    files.write_json(this.costs, record)
    files.write_bytes(this.trained_file, save_tensors(stored))
    return methods.restore(config, backbone, stored)


def load_trained(path: Path, backbone: Backbone) -> dict[str, Tensor]:
    """What a run has trained, by name. Raises DamagedStateError when its file is not what was written."""
    try:
        tensors = load_tensors(path.read_bytes())
    except SafetensorError as error:
        raise DamagedStateError(f"{path}: damaged ({error}); delete it and generations.jsonl to train again") from error
    return {name: tensor.to(backbone.head.device) for name, tensor in tensors.items()}


def _generate(this: Run, config: Config, examples: Sequence[Example], backbone: Backbone, method: Method) -> list[str]:
    """Outputs in the order of `examples`; what an earlier, interrupted process wrote is kept.

    Examples with the same input (DART, WebNLG) share one output, as in the paper's code (data/dart/temp.py).
    """
    written = {record["id"]: record["output"] for record in files.read_json_lines(this.generations).records}
    waiting: dict[str, list[Example]] = {}
    for example in examples:
        if example.id not in written:
            waiting.setdefault(example.source, []).append(example)
    prompts = {source: backbone.tokenizer.source(source) for source in waiting}
    sources = sorted(waiting, key=lambda source: len(prompts[source]))  # little padding
    with (
        method.attach(backbone),
        prepacked_weights(backbone.model),
        stage("decoding") as shown,
        deferred() as interruption,
    ):
        for start in range(0, len(sources), config.decode.batch_size):
            started = time.perf_counter()
            batch = sources[start : start + config.decode.batch_size]
            hypotheses = generate(backbone, method, [prompts[source] for source in batch], config.decode)
            outputs = [backbone.tokenizer.output(ids) for ids in hypotheses]
            done = [(each, output) for source, output in zip(batch, outputs, strict=True) for each in waiting[source]]
            files.append_json(this.generations, (_record(example, output) for example, output in done))
            written |= {example.id: output for example, output in done}
            record = files.read_json(this.costs)
            record["decode_seconds"] += time.perf_counter() - started
            files.write_json(this.costs, record)
            shown.update(len(written), len(examples), f"{len(batch) / (time.perf_counter() - started):.2f} inputs/s")
            if interruption:
                break
    return [written[example.id] for example in examples]


def _record(example: Example, output: str) -> dict[str, Any]:
    return {"id": example.id, "source": example.source, "output": output, "references": list(example.references)}


def _result(
    this: Run,
    config: Config,
    corpora: Corpora,
    backbone: Backbone,
    scores: Mapping[str, metrics.Score],
    truncated: Mapping[str, Truncation],
) -> dict[str, Any]:
    costs = files.read_json(this.costs)
    training = costs["training"]
    parts = (corpora.train, corpora.dev, corpora.test)
    return {
        "profile": config.profile,
        **described(config),
        "data_source": SAMPLE if config.data_dir is None else RELEASE,
        "split": corpora.scored.split,
        "n_train": len(corpora.pairs),
        "n_train_available": corpora.train.pairs,
        "n_dev": len(corpora.dev_pairs),
        "n_inputs": len(corpora.inputs),
        "n_inputs_available": len(corpora.scored.examples),
        "truncated": {part: each.cut for part, each in truncated.items()},
        "scores": {name: asdict(score) for name, score in scores.items()},
        "parameters": costs["parameters"],
        "costs": {
            "train_seconds": training["seconds"],
            "train_tokens": training["pair_tokens"],
            "train_positions": training["positions"],
            "train_steps": training["step"],
            "decode_seconds": costs["decode_seconds"],
            "peak_memory_bytes": max(peak_memory_bytes(), costs.get("peak_memory_bytes", 0)),
        },
        "training": {
            "history": training["history"],
            "fit_error": training["fit_error"],
            **{key: training[key] for key in ("prompt",) if key in training},
        },
        "settings": _settings(config),
        "data": {part.split: {"version": part.version, **_read(part)} for part in parts},
        "trained_file": {"name": this.trained_file.name, "sha256": files.digest(this.trained_file)},
        "backbone": {"files": backbone.files.description, "sha256": backbone.files.fingerprint},
        "provenance": provenance(
            sys.argv,
            accelerator=_accelerator(backbone.head.device),
            threads=torch.get_num_threads(),
            **{name: training.get(name, 1) for name in ("joint", "processes")},
        ),
    }


def _accelerator(device: torch.device) -> str | None:
    """The name of what computed; None for the CPU, which provenance names itself."""
    if device.type == "cpu":
        return None
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _settings(config: Config) -> dict[str, Any]:
    """The whole configuration without the places of this machine, and without what provenance says as it was."""
    settings = asdict(config)
    del settings["data_dir"], settings["results_dir"], settings["model"]["path"], settings["joint"]
    return settings


def _read(corpus: Corpus) -> dict[str, Any]:
    skipped = [{"reason": skip.reason, "count": skip.count} for skip in corpus.skipped]
    empty = {"empty_inputs": corpus.empty_inputs} if corpus.empty_inputs else {}
    return {"files": [asdict(file) for file in corpus.files], "skipped": skipped, **empty}

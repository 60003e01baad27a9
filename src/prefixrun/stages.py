"""The stages of a run that compute: train, generate, score. Each leaves files that the next one starts from."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from prefixrun import files, metrics
from prefixrun.checkpoint import Checkpoints
from prefixrun.corpora import Corpora
from prefixrun.data import Corpus, Example
from prefixrun.data.batches import tokenise
from prefixrun.data.subset import select_pairs
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.generate import generate
from prefixrun.interrupts import deferred
from prefixrun.methods.init import activations, start_from, word_ids
from prefixrun.methods.prefix import Prefix, build_prefix
from prefixrun.models import Backbone, load
from prefixrun.packed import packed
from prefixrun.progress import LOG, Stage, stage
from prefixrun.provenance import peak_memory_bytes, provenance
from prefixrun.runs import Run
from prefixrun.schema import Config
from prefixrun.train import Progress, train
from prefixrun.verdict import RELEASE, SAMPLE

DEV_SEED = 0
"""Seed of the choice of development pairs: the same for every run, so that their dev losses can be compared."""


def device(config: Config) -> str:
    """Where the run computes: "cpu" or "cuda". Raises ConfigError for device=cuda without a GPU."""
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise ConfigError("device=cuda: PyTorch finds no GPU here; use device=cpu or device=auto")
    return "cuda" if has_gpu and config.device != "cpu" else "cpu"


def load_backbone(config: Config) -> Backbone:
    """The frozen model, on its device. Raises MissingPartError when it is not on this machine."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    return load(config.model, device=device(config), precision=config.precision)


def check_fit(config: Config, backbone: Backbone, corpora: Corpora) -> None:
    """Refuse, before anything is written, what could only fail later.

    Raises:
        ConfigError: a task without metrics; init_words of another length; prefix, input and output longer than the
            model's context.
    """
    metrics.suite(config.task.scored_as)
    if config.init.name == "words":
        word_ids(backbone, config.init_words, config.default_words, config.prefix_len)
    longest_target = max(len(pair.target) for pair in tokenise(corpora.pairs, backbone.tokenizer))
    sources = [pair.source for pair in corpora.pairs] + [example.source for example in corpora.test.examples]
    longest_source = max(len(backbone.tokenizer.source(text)) for text in dict.fromkeys(sources))
    output = max(longest_target, config.decode.max_new_tokens)
    needed, context = config.prefix_len + longest_source + output, backbone.sizes.context
    if needed > context:
        raise ConfigError(
            f"prefix_len={config.prefix_len}: with the longest input of {longest_source} tokens and {output} tokens of "
            f"output it needs {needed} positions, and {config.model.name} has {context}; lower prefix_len or "
            "decode.max_new_tokens, or take a model with a longer context"
        )


def complete(this: Run, config: Config, corpora: Corpora, backbone: Backbone) -> None:
    """Do what is left of a run that this process holds, up to result.json."""
    flat = _train(this, config, corpora, backbone)
    examples = corpora.test.examples[: config.test_size]
    outputs = _generate(this, config, examples, backbone, flat)
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
    this.finish(_result(this, config, corpora, backbone, evaluation.scores, len(examples)))


def _train(this: Run, config: Config, corpora: Corpora, backbone: Backbone) -> Tensor:
    """The flat prefix, (layers, 2, kv_heads, prefix_len, head_dim) in float32; costs.json says what it took."""
    if this.prefix_file.exists():
        return load_prefix(this)
    prefix = build_prefix(config.method, backbone.sizes, config.prefix_len, config.seed)
    prefix.to(backbone.head.device)
    fit_error = _initialise(prefix, config, backbone)
    pairs = tokenise(corpora.pairs, backbone.tokenizer)
    dev_size = min(config.train.eval_examples, corpora.dev.pairs)
    dev = tokenise(select_pairs(corpora.dev, dev_size, 1.0, DEV_SEED), backbone.tokenizer) if dev_size else []
    checkpoints = Checkpoints(this.checkpoints)
    checkpoint, problems = checkpoints.latest()
    for problem in problems:
        LOG.info("checkpoint left out: %s", problem)
    if checkpoint is not None:
        LOG.info("going on after step %d", checkpoint.step)
    LOG.info("training %s parameters on %s pairs", f"{prefix.trained:,}", f"{len(pairs):,}")
    with stage("training") as shown:
        progress = train(
            prefix,
            backbone,
            pairs,
            dev,
            config.train,
            prefix_len=config.prefix_len,
            seed=config.seed,
            checkpoints=checkpoints,
            report=lambda progress, steps, loss: _report(shown, progress, steps, loss),
        )
    flat = prefix.flat().detach().float().cpu().contiguous()
    record = {
        "parameters": {
            "trained": prefix.trained,
            "stored": prefix.stored,
            "total": sum(parameter.numel() for parameter in backbone.model.parameters()),
        },
        "training": {**asdict(progress), "fit_error": fit_error},
        "decode_seconds": 0.0,
    }
    files.write_json(this.costs, record)
    files.write_bytes(this.prefix_file, save_tensors({"prefix": flat}))
    checkpoints.remove()
    return flat


def _initialise(prefix: Prefix, config: Config, backbone: Backbone) -> float | None:
    """Start from words if asked to; returns the mean squared error that fitting left, None for a random start."""
    if config.init.name != "words":
        return None
    ids = word_ids(backbone, config.init_words, config.default_words, config.prefix_len)
    return start_from(prefix, activations(backbone, ids), config.init)


def _report(shown: Stage, progress: Progress, steps: int, loss: float) -> None:
    speed = progress.pair_tokens / max(progress.seconds, 1e-9)
    shown.update(progress.step, steps, f"loss {loss:.3f}  {speed:.0f} tokens/s")
    if progress.history and progress.history[-1]["step"] == progress.step:
        last = progress.history[-1]
        dev = f", dev loss {last['dev_loss']:.4f}" if "dev_loss" in last else ""
        LOG.info("epoch %d: train loss %.4f%s", len(progress.history), last["train_loss"], dev)


def load_prefix(this: Run) -> Tensor:
    """The flat prefix of a trained run. Raises DamagedStateError when its file is not what was written."""
    try:
        return load_tensors(this.prefix_file.read_bytes())["prefix"]
    except (SafetensorError, KeyError) as error:
        raise DamagedStateError(
            f"{this.prefix_file}: damaged ({error}); delete it and generations.jsonl to train again"
        ) from error


def _generate(this: Run, config: Config, examples: Sequence[Example], backbone: Backbone, flat: Tensor) -> list[str]:
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
    with packed(backbone.model), stage("decoding") as shown, deferred() as interruption:
        for start in range(0, len(sources), config.decode.batch_size):
            started = time.perf_counter()
            batch = sources[start : start + config.decode.batch_size]
            hypotheses = generate(backbone, flat, [prompts[source] for source in batch], config.decode)
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
    this: Run, config: Config, corpora: Corpora, backbone: Backbone, scores: Mapping[str, metrics.Score], n_inputs: int
) -> dict[str, Any]:
    costs = files.read_json(this.costs)
    training = costs["training"]
    parts = (corpora.train, corpora.dev, corpora.test)
    return {
        "profile": config.profile,
        "task": config.task.name,
        "model": config.model.name,
        "method": config.method.name,
        "prefix_len": config.prefix_len,
        "init": config.init.name,
        "seed": config.seed,
        "data_source": SAMPLE if config.data_dir is None else RELEASE,
        "split": corpora.test.split,
        "n_train": len(corpora.pairs),
        "n_train_available": corpora.train.pairs,
        "n_inputs": n_inputs,
        "n_inputs_available": len(corpora.test.examples),
        "scores": {name: asdict(score) for name, score in scores.items()},
        "parameters": costs["parameters"],
        "costs": {
            "train_seconds": training["seconds"],
            "train_tokens": training["pair_tokens"],
            "train_positions": training["positions"],
            "train_steps": training["step"],
            "decode_seconds": costs["decode_seconds"],
            "peak_memory_bytes": peak_memory_bytes(),
        },
        "training": {"history": training["history"], "fit_error": training["fit_error"]},
        "settings": this.identity["settings"],
        "data": {part.split: {"version": part.version, **_read(part)} for part in parts},
        "backbone": {"files": backbone.files.description, "sha256": backbone.files.fingerprint},
        "provenance": provenance(sys.argv, threads=torch.get_num_threads()),
    }


def _read(corpus: Corpus) -> dict[str, Any]:
    skipped = [{"reason": skip.reason, "count": skip.count} for skip in corpus.skipped]
    return {"files": [asdict(file) for file in corpus.files], "skipped": skipped}

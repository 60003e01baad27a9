"""Settings that contradict each other. A new rule is one function and one line in ``RULES``.

Each function receives the values of the keys that its line names and returns what is wrong, or None.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from prefixrun.config.method_specs import COMBINATIONS, METHOD_SPECS
from prefixrun.config.paths import wrong_path
from prefixrun.config.schema import DecodeConfig, MethodConfig
from prefixrun.config.task_settings import GENERATED_TASKS
from prefixrun.config.warmup import fewest_steps
from prefixrun.errors import shortened


def _data_dir(profile: str, data_dir: str | None, dataset: str | None, task: str) -> str | None:
    if profile == "quick" or data_dir or dataset or task in GENERATED_TASKS:
        return None
    return (
        f"data_dir: profile={profile} runs on the real corpora; give data_dir=DIR, the directory that holds them as"
        " DIR/TASK/ in their release formats, or take profile=quick, which brings its own sample corpus"
    )


def _dataset(dataset: str | None, config: str | None, revision: str | None) -> str | None:
    for key, value in {"task.dataset_config": config, "task.dataset_revision": revision}.items():
        if dataset is None and value is not None:
            return f"{key}={shortened(value)}: is of a data set on the hub; add task.dataset=NAME or leave it out"
    return None


def _words(method: str, init: str, words: str | None, default: str | None, of_task: str | None) -> str | None:
    if METHOD_SPECS[method].has_init and init == "words" and words is None and default is None and of_task is None:
        return (
            "init_words: init=words initialises the prefix from a text; give init_words=TEXT of exactly prefix_len "
            "tokens, task.default_words=TEXT of any length, or init=random"
        )
    return None


_MATERIAL = {"text": ("text", "file"), "run": ("run",)}
"""Value of init.name → the keys of init that say what it reads."""


def _init(method: str, init: str, *of_keys: str | None) -> str | None:
    """What is wrong with the initialisation and the keys that say what it reads (text, file, run and their digest)."""
    spec, values = METHOD_SPECS[method], dict(zip(("text", "file", "run", "digest"), of_keys, strict=True))
    keys = _MATERIAL.get(init, ())
    for key in ("text", "file", "run"):
        if values[key] is not None and (key not in keys or not spec.has_init):
            reading = next(name for name, names in _MATERIAL.items() if key in names)
            reader = f"init={reading}" if spec.has_init else f"methods with a prefix, not by method={method}"
            return f"init.{key}={shortened(values[key])}: is only used by {reader}; leave it out"
    if not spec.has_init:
        return None
    if init not in spec.inits:
        return f"init={init}: does not work with method={method}; give one of {', '.join(spec.inits)}"
    named = [key for key in keys if values[key] is not None]
    if keys and not named and values["digest"] is None:
        examples = {"text": "init.text=TEXT", "file": "init.file=FILE", "run": "init.run=ID"}
        return f"init={init}: does not say from what; give {' or '.join(examples[key] for key in keys)}"
    if len(named) > 1:
        return f"init.text={shortened(values['text'])}: init.file gives the text too; give one of them"
    return None


def _distill(
    objective: str,
    method: str,
    smoothing: float,
    text: str | None,
    file: str | None,
    examples: int,
    digest: str | None,
) -> str | None:
    """What is wrong with the objective and what its teacher reads."""
    texts = {"distill.text": text, "distill.file": file}
    named = [f"{key}={shortened(value)}" for key, value in texts.items() if value is not None]
    if objective != "distill":
        settings = [*named, *([f"distill.examples={examples}"] if examples else [])]
        return f"{settings[0]}: is only used by train.objective=distill; add it or leave it out" if settings else None
    if not METHOD_SPECS[method].trains:
        return f"train.objective=distill: method={method} trains nothing; leave it out, or take a method that trains"
    if not named and not examples and digest is None:
        return (
            "train.objective=distill: does not say what the teacher reads; give distill.text=TEXT, distill.file=FILE or"
            " distill.examples=NUMBER"
        )
    if len(named) > 1:
        return f"{named[0]}: distill.file gives the instruction too; give one of them"
    if smoothing:
        return (
            f"train.label_smoothing={smoothing:g}: smooths the targets, which train.objective=distill does not learn;"
            " leave it out"
        )
    return None


def _subset(fraction: float, size: int | None) -> str | None:
    if fraction < 1 and size is not None:
        return f"train_size={size}: both it and data_fraction={fraction:g} choose the training pairs; give one of them"
    return None


def _warmup(warmup: int, steps: int | None) -> str | None:
    if steps is not None and warmup >= steps:
        return f"train.warmup_steps={warmup}: must be less than train.max_steps={steps}"
    return None


def _warmup_of_subset(warmup: int, size: int | None, batch: int, accumulate: int, epochs: int) -> str | None:
    steps = fewest_steps(None, batch, accumulate, epochs, size)
    if steps is not None and 0 < warmup >= steps:
        return f"train.warmup_steps={warmup}: must be less than the {steps} steps of {epochs} epochs on {size} pairs"
    return None


def _lengths(least: int, most: int) -> str | None:
    if least > most:
        return f"decode.min_new_tokens={least}: must not be more than decode.max_new_tokens={most}"
    return None


def _sampling(sample: bool, beams: int, outputs: int, *values: Any) -> str | None:
    if not sample:
        for key, value in zip(_SAMPLING, values, strict=True):
            if value != _SAMPLING[key]:
                return f"{key}={value}: is only used by decode.sample=true; add it or leave {key} out"
        if outputs > beams:
            return f"decode.outputs={outputs}: a beam search has at most decode.beams={beams} outputs of an input"
    elif beams > 1:
        return f"decode.beams={beams}: samples are drawn from the model, not searched for; give decode.beams=1"
    return None


_SAMPLING = {
    f"decode.{field.name}": field.default
    for field in fields(DecodeConfig)
    if field.name in ("temperature", "top_k", "top_p", "seed")
}


def _packing(targets: int, batch: int) -> str | None:
    if targets > batch:
        return f"train.targets_per_row={targets}: must not be more than train.batch_size={batch}, which counts pairs"
    return None


def _source(source: str, hub: str | None, path: str | None, architecture: str | None) -> str | None:
    needed = {"hub": "hub", "path": "path", "random": "architecture"}
    values = {"hub": hub, "path": path, "architecture": architecture}
    key = needed.get(source)
    if key is not None and values[key] is None:
        value = {"hub": "NAME", "path": "DIR", "architecture": "tiny_gpt2"}[key]
        return f"model.{key}: is not set; model.source={source} needs model.{key}={value}"
    # An architecture says what shape a model has, wherever its weights come from.
    surplus = [name for name, value in values.items() if value is not None and name not in (key, "architecture")]
    if surplus:
        owner = next(name for name, key_of in needed.items() if key_of == surplus[0])
        choice = "model=path" if owner == "path" else f"model.source={owner}"
        unused = f"model.{surplus[0]}={values[surplus[0]]}"
        return f"{unused}: is not used by model.source={source}; add {choice} or leave it out"
    return None


_METHOD_KEYS = tuple(f"method.{field.name}" for field in fields(MethodConfig) if field.name != "name")
_DEFAULTS: Mapping[str, Any] = {f"method.{field.name}": field.default for field in fields(MethodConfig)}


def _unused(method: str, *values: Any) -> str | None:
    for key, value in zip(("init_words", *_METHOD_KEYS), values, strict=True):
        readers = [spec.name for spec in METHOD_SPECS.values() if key in spec.settings]
        if readers and method not in readers and value != _DEFAULTS.get(key):
            return (
                f"{key}={shortened(value)}: is not used by method={method}, only by {', '.join(readers)}; leave it out"
            )
    return None


def _size(method: str, budget: str | None, *values: Any) -> str | None:
    """What a method needs to know of its size comes from somewhere. That it comes from both places at once is for
    compose to refuse, which knows the user's overrides: a run records its budget beside the size that came of it."""
    key = METHOD_SPECS[method].size_key
    if key is None:
        return None if budget is None else f"budget={budget}: method={method} has no size to choose; leave it out"
    if budget is None and dict(zip(("prefix_len", *_METHOD_KEYS), values, strict=True))[key] is None:
        return f"{key}: is not set; method={method} needs {key}=NUMBER or budget=SHARE%, such as budget=0.1%"
    return None


def _prompt(method: str, shots: int, *texts: str | None) -> str | None:
    reads_text = "method.instruction" in METHOD_SPECS[method].settings
    if reads_text and not any(texts) and not shots:
        return (
            f"method.instruction: is not set, and neither is task.default_words; method={method} needs a text, or"
            " examples by method.shots=NUMBER"
        )
    return None


def _combination(
    method: str, runs: str | None, combine: str | None, weights: str | None, digest: str | None
) -> str | None:
    if method != "prefix_combined":
        return None
    if runs is None and digest is None:
        return "method.runs: is not set; method=prefix_combined needs runs, such as method.runs=ID+ID"
    if combine is None:
        return f"method.combine: is not set; give one of {', '.join(COMBINATIONS)}"
    if weights is None:
        return None
    values = [float(weight) for weight in weights.split(":")]
    if combine not in ("average", "sum"):
        return f"method.weights={weights}: is only used by method.combine=average and sum; leave it out"
    if runs is not None and len(values) != len(runs.split("+")):
        return f"method.weights={weights}: {len(values)} weights for {len(runs.split('+'))} runs; give one for each"
    if combine == "average" and sum(values) <= 0:
        return f"method.weights={weights}: an average divides by their sum, which must be positive"
    return None


def _layers(method: str, layers: int | str | None) -> str | None:
    """A number of layers is the size of a method; a part of the model is none."""
    if METHOD_SPECS[method].size_key == "method.layers" and isinstance(layers, str):
        return (
            f"method.layers={layers}: method={method} trains layers from the top; give their number, as in"
            " method.layers=2"
        )
    return None


def _decoder_only(method: str, layout: str) -> str | None:
    if METHOD_SPECS[method].decoder_only and layout in ("bart", "t5"):
        return (
            f"method={method}: needs input and output in one sequence, as in a decoder-only model;"
            f" model.layout={layout} is an encoder-decoder's"
        )
    return None


def _quantised(method: str, quantize: str | None) -> str | None:
    if quantize is not None and METHOD_SPECS[method].trains_backbone:
        frozen = ", ".join(name for name, spec in METHOD_SPECS.items() if not spec.trains_backbone)
        return (
            f"model.quantize={quantize}: method={method} trains the model's weights, which are frozen when they are"
            f" quantised; leave it out, or take one of {frozen}"
        )
    return None


def _instruction(instruction: str | None, layout: str) -> str | None:
    if instruction is not None and layout != "chat":
        return (
            f"task.instruction={shortened(instruction)}: is only used by model.layout=chat; add it, or give"
            " task.default_words, which other layouts use"
        )
    return None


def _keep(keep: str, patience: int | None, examples: int, share: float | None) -> str | None:
    if (keep == "best" or patience is not None) and not examples and share is None:
        what = "train.keep=best" if keep == "best" else f"train.patience={patience}"
        return f"{what}: needs a development loss; give train.eval_examples=NUMBER"
    return None


def _path(key: str, path: str | None) -> str | None:
    problem = path and wrong_path(path)
    return f"{key}={shortened(path)}: {problem}" if problem else None


RULES: tuple[tuple[Callable[..., str | None], tuple[str, ...]], ...] = (
    (_data_dir, ("profile", "data_dir", "task.dataset", "task.name")),
    (_dataset, ("task.dataset", "task.dataset_config", "task.dataset_revision")),
    (_words, ("method.name", "init.name", "init_words", "init.default_words", "task.default_words")),
    (_init, ("method.name", "init.name", *(f"init.{key}" for key in ("text", "file", "run", "digest")))),
    (
        _distill,
        (
            *("train.objective", "method.name", "train.label_smoothing"),
            *(f"distill.{key}" for key in ("text", "file", "examples", "digest")),
        ),
    ),
    (_subset, ("data_fraction", "train_size")),
    (_warmup, ("train.warmup_steps", "train.max_steps")),
    (
        _warmup_of_subset,
        ("train.warmup_steps", "train_size", "train.batch_size", "train.accumulate", "train.epochs"),
    ),
    (_lengths, ("decode.min_new_tokens", "decode.max_new_tokens")),
    (_sampling, ("decode.sample", "decode.beams", "decode.outputs", *_SAMPLING)),
    (_packing, ("train.targets_per_row", "train.batch_size")),
    (_unused, ("method.name", "init_words", *_METHOD_KEYS)),
    (_size, ("method.name", "budget", "prefix_len", *_METHOD_KEYS)),
    (_prompt, ("method.name", "method.shots", "method.instruction", "task.instruction", "task.default_words")),
    (_combination, ("method.name", *(f"method.{key}" for key in ("runs", "combine", "weights", "digest")))),
    (_layers, ("method.name", "method.layers")),
    (_decoder_only, ("method.name", "model.layout")),
    (_quantised, ("method.name", "model.quantize")),
    (_instruction, ("task.instruction", "model.layout")),
    (_keep, ("train.keep", "train.patience", "train.eval_examples", "train.dev_share")),
    (_source, ("model.source", "model.hub", "model.path", "model.architecture")),
    *((partial(_path, key), (key,)) for key in ("data_dir", "results_dir", "model.path", "init.file", "distill.file")),
)
"""Rules about several keys, each with the keys it reads; a rule is left out when one of them is wrong by itself."""


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with settings that are right one by one. ``values``: dotted key -> checked value."""
    checked = (rule(*(values[key] for key in keys)) for rule, keys in RULES if all(key in values for key in keys))
    return [problem for problem in checked if problem]

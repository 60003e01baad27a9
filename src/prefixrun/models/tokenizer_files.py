"""A tokenizer, read from the files of a `ModelDirectory` and from nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import AutoTokenizer, PreTrainedConfig

from prefixrun.errors import ConfigError, reading
from prefixrun.models.chat import chat_frame
from prefixrun.models.configuration import quiet
from prefixrun.models.families import shape_of
from prefixrun.models.layouts import first_of, frame_of
from prefixrun.models.model_directory import COPY_AGAIN, ModelDirectory
from prefixrun.models.tokenizer import Layout, Tokenizer

NEEDED: Mapping[Layout, tuple[str, ...]] = {
    "paper": ("eos_token",),
    "lines": ("eos_token",),
    "chat": (),
    "bart": ("eos_token", "bos_token"),
    "t5": ("eos_token", "pad_token"),
}
"""The special tokens that a layout of sequences has in it."""


def load_tokenizer(directory: ModelDirectory, model_config: PreTrainedConfig, layout: Layout) -> Tokenizer:
    """The tokenizer of the directory, made from a copy of its files, so that no other file can have a part in it.

    Raises ConfigError when it cannot be read or used, lacks a special token of the layout, or has ids that are no rows
    of the embedding.
    """
    label = f"{directory.label}: its tokenizer"
    with TemporaryDirectory(prefix="tokenizer-") as copies, quiet(), reading(label, COPY_AGAIN, ConfigError):
        for file in directory.tokenizer:
            shutil.copyfile(file, Path(copies) / file.name)
        base = AutoTokenizer.from_pretrained(copies, config=model_config, local_files_only=True)
        for name in NEEDED[layout]:
            if not isinstance(getattr(base, f"{name}_id"), int):
                raise ConfigError(
                    f"{label} has no {name}, which model.layout={layout} needs; name it in tokenizer_config.json"
                )
        chat = chat_frame(base, None, label) if layout == "chat" else None
        frame, first = frame_of(base, layout, model_config), first_of(base, layout)
        tokenizer = Tokenizer(base, layout, frame=frame, chat=chat, first=first)
        if not tokenizer.text("text"):
            raise ConfigError(f"{label} makes no tokens of a text; {COPY_AGAIN}")
        tokenizer.output(tokenizer.source("text"))
        highest = max(*base.get_vocab().values(), *tokenizer.special())
    rows = shape_of(model_config).vocabulary
    if highest >= rows:
        raise ConfigError(
            f"{label} has ids up to {highest:,}, and the embedding of the model {rows:,} rows; give the tokenizer that "
            "belongs to the weights, or widen them with resize_token_embeddings()"
        )
    return tokenizer

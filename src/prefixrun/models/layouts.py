"""Which layout the sequences of a model have, where nobody says (model.layout=auto). Imports no torch.

A decoder-only model reads the paper's. An encoder-decoder whose decoder starts from END, as BART's, is of BART's kind:
its sequences begin with a token of their own, BEGIN or a language. All others are of T5's kind. The tokens themselves
are those of its tokenizer and configuration (`frame_of`), where these say them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun.config.schema import Config, ModelConfig

if TYPE_CHECKING:
    from prefixrun.models.tokenizer import Frame, Layout


def with_first_layers(config: Config) -> Config:
    """The configuration with a model name that says that only its first layers are used (model.layers)."""
    model = config.model
    suffix = f"_first{model.layers}"
    if model.layers is None or model.name.endswith(suffix):
        return config
    return replace(config, model=replace(model, name=model.name + suffix))


def with_layout(config: Config) -> Config:
    """The configuration with the layout in the place of "auto", so that a run's identity says which it has.

    A model that is not on this machine stays as it is: looking for its weights will say so.
    """
    model = config.model
    if model.layout != "auto" or (path := _configuration_file(model)) is None:
        return config
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return config  # what is wrong with it is reported where it is read
    if not isinstance(settings, dict):
        return config
    return replace(config, model=replace(model, layout=layout_of(model, settings)))


def layout_of(config: ModelConfig, settings: Mapping[str, Any]) -> Layout:
    """The layout that a configuration names, or for "auto" that of a model with the `settings` of a config.json."""
    if config.layout != "auto":
        return config.layout
    start = settings.get("decoder_start_token_id")
    if start is None and not settings.get("is_encoder_decoder"):
        return "paper"
    return "bart" if start == settings.get("eos_token_id") else "t5"


def frame_of(base: Any, layout: Layout, model_config: Any) -> Frame | None:
    """The special tokens of an encoder-decoder's sequences; None where its tokenizer writes none by itself."""
    if layout in ("paper", "lines", "chat") or (around := _around(base)) is None or around == ((), ()):
        return None
    from prefixrun.models.tokenizer import Frame

    begin, source_end = around
    # mBART writes the language behind an input, and its decoder starts from that of the output.
    names_language = len(source_end) > 1
    start = source_end[-1] if names_language else model_config.decoder_start_token_id
    if start is None:
        return None
    return Frame(begin, source_end, int(start))


def first_of(base: Any, layout: Layout) -> tuple[int, ...]:
    """Tokenizer.first of a tokenizer; a chat template writes all special tokens itself."""
    around = _around(base) if layout in ("paper", "lines") else None
    return () if around is None else around[0]


def _around(base: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The ids that a tokenizer writes by itself before and behind a text; None where the text is not to be found."""
    text = list(base.encode("a", add_special_tokens=False))
    framed = list(base.encode("a", add_special_tokens=True))
    where = next((index for index in range(len(framed)) if framed[index : index + len(text)] == text), None)
    return None if where is None else (tuple(framed[:where]), tuple(framed[where + len(text) :]))


def _configuration_file(model: ModelConfig) -> Path | None:
    """config.json of a local directory, or of a model of the hub, whose own is fetched where only it is missing."""
    if model.source == "path" and model.path:
        return Path(model.path).expanduser() / "config.json"
    if model.source != "hub" or model.hub is None:
        return None
    from huggingface_hub import hf_hub_download

    file: dict[str, Any] = {"repo_id": model.hub, "filename": "config.json", "revision": model.revision}
    with suppress(OSError, ValueError):  # not in the cache
        return Path(hf_hub_download(**file, local_files_only=True))
    with suppress(OSError, ValueError):  # what the hub answers is reported where its weights are looked for
        return Path(hf_hub_download(**file))
    return None

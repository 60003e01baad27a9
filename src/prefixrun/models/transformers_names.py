"""What transformers calls things, where its versions differ (5.0 and later).

* Until 5.23 models take and return the cache as `past_key_values`, from 5.24 on as `cache`.
* T5 and its relatives dispatch their attention through the registry of attention functions from 5.15 on; before, no
  prefix can stand in front of it (`uses_registry`), and they are refused.
* UMT5 has `scale_decoder_outputs` from 5.24 on, and before scaled them where its embeddings were tied.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from torch import nn
from transformers import GPT2Model

_FORWARD = inspect.signature(GPT2Model.forward).parameters

CACHE = "cache" if "cache" in _FORWARD else "past_key_values"
"""Name of the cache among the arguments and outputs of a model."""


def cache_arguments(cache: Any) -> Mapping[str, Any]:
    """The arguments of a forward pass that reads and extends `cache`, or that has none (None)."""
    return {"use_cache": False} if cache is None else {CACHE: cache, "use_cache": True}


def uses_registry(module: nn.Module) -> bool:
    """Whether the code of a module looks its attention function up in the registry, so that it can be another one."""
    return hasattr(sys.modules[type(module).__module__], "ALL_ATTENTION_FUNCTIONS")


def scales_decoder_outputs(config: Any) -> bool:
    """Whether T5 or a relative multiplies the last states of its decoder by d^-0.5."""
    tied_umt5 = config.model_type == "umt5" and config.tie_word_embeddings
    return bool(getattr(config, "scale_decoder_outputs", tied_umt5))

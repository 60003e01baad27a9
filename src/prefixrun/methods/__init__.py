"""Methods: what is trained, by the name that `method=` takes.

`METHOD_SPECS` names the module of each. It has these functions, the last two of them only where they say something:

    build(config, backbone) -> Method             with its random initialisation; none in a method that trains nothing
    restore(config, backbone, tensors) -> Method  ready for use, from what `Method.trained_tensors` gave
    refuse(config, backbone) -> None              raises ConfigError for a backbone that cannot have the method
    largest_size(backbone) -> int                 bound of the size that a budget may choose
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.methods.base import Method, PrefixKeyValues

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

__all__ = ["Method", "PrefixKeyValues", "build", "largest_size", "refuse", "refuse_length", "restore"]


def build(config: Config, backbone: Backbone) -> Method:
    """The method with its random start, drawn from a stream of its own; `Method.initialize` does the rest.

    Raises as `refuse`.
    """
    refuse(config, backbone)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        method = cast(Method, _module(config).build(config, backbone))
    method.nested = config.method.nested
    return method


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Method:
    """A trained method ready for use, without dropout, from what `Method.trained_tensors` gave.

    Raises DamagedStateError for tensors of another method or model as far as the method tells them apart (who reads a
    file compares the model's SHA-256), and MissingPartError as `refuse`.
    """
    _check_package(config.method.name)
    return cast(Method, _module(config).restore(config, backbone, tensors)).eval()


def refuse(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for a method, sites of a prefix or layers that the backbone cannot have, and MissingPartError
    for a method whose package is not installed."""
    spec = METHOD_SPECS[config.method.name]
    if spec.decoder_only and backbone.is_seq2seq:
        raise ConfigError(
            f"method={spec.name}: needs a decoder-only model, because {spec.decoder_only}; "
            f"model={config.model.name} is an encoder-decoder"
        )
    _check_package(spec.name)
    module = _module(config)
    if hasattr(module, "refuse"):
        module.refuse(config, backbone)


def refuse_length(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for a prefix that leaves a decoder-only model no position for the text.

    How long input and output may be is known only when both are read: see runs.prepare."""
    context = backbone.shape.context
    if METHOD_SPECS[config.method.name].size_key != "prefix_len" or backbone.is_seq2seq or context is None:
        return
    if config.prefix_len >= context:
        raise ConfigError(
            f"prefix_len={config.prefix_len}: model={config.model.name} has {context} positions for prefix, input and "
            "output together; give a shorter one"
        )


def largest_size(config: Config, backbone: Backbone) -> int | None:
    """Bound of the size that a budget may choose; None where the method has none."""
    module = _module(config)
    return cast(int, module.largest_size(backbone)) if hasattr(module, "largest_size") else None


def _module(config: Config) -> Any:
    """The module of the configuration's method, imported when it is first needed."""
    return import_module(METHOD_SPECS[config.method.name].module)


def _check_package(name: str) -> None:
    """Raise MissingPartError when the optional package of a method is not installed."""
    package = METHOD_SPECS[name].package
    if package and find_spec(package) is None:
        raise MissingPartError(f"method={name}: needs the package {package}: pip install 'prefixrun[{package}]'")

"""A trained method on a model that is used by itself: its plain forward passes and generate() see the method."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.errors import ConfigError, shortened
from prefixrun.methods.base import Method
from prefixrun.models.attention import use_prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.quantised import is_quantised
from prefixrun.models.replaced import replaced
from prefixrun.models.transformers_names import CACHE

WITHIN_ROWS = ("infix", "prompt")
"""Methods that put something behind or in front of each row's own input, which no plain forward pass knows of."""


_ATTACHED = "_prefixrun_attachment"
"""Where a model holds its attachment, which so lasts as long as the model or until it is detached."""


class Attachment:
    """A method on a model: it works until `detach`, or to the end of the block when it is used as a context manager."""

    def __init__(self, method: Method, name: str, backbone: Backbone, model: PreTrainedModel | None = None) -> None:
        """Attach `method`, called `name` and trained on `backbone`, to `model`, another copy of the same model; without
        one to modules of its own over the backbone's weights, as runs of this process share the backbone.

        Raises:
            ConfigError: the model is no model or another one, or has an attachment already; the method cannot work in
                plain forward passes.
        """
        if not isinstance(model, PreTrainedModel | None):
            raise ConfigError(f"attach: takes a model of transformers, not {shortened(repr(model))}")
        if name in WITHIN_ROWS:
            usable = ", ".join(spec for spec in METHOD_SPECS if spec not in WITHIN_ROWS)
            raise ConfigError(
                f"method={name}: puts something behind or in front of each row's input, so it cannot be attached to a "
                f"model; use generate() of the run, or one of {usable}"
            )
        if model is None:
            model = _sharing_weights(backbone.model)
        elif model is backbone.model:
            raise ConfigError("attach: this is the model that runs of this process share; leave it out, or load a copy")
        elif _ATTACHED in vars(model):
            raise ConfigError("attach: something is attached to this model already; call detach() of that first")
        else:
            check_same(backbone, model)
        self.model = model
        self._stack = ExitStack()
        backbone_of_model = replace(backbone, model=model)
        method = method.on_copy(backbone_of_model)
        self._stack.enter_context(_with_prefix_attention(model))
        # The method's keys and values do not change any more, and nothing is trained through them.
        with torch.no_grad():
            self._stack.enter_context(method.attach(backbone_of_model))
        if not backbone.is_seq2seq and method.offset:
            self._stack.enter_context(_shifted_positions(model, method.offset))
        self._stack.enter_context(replaced([(vars(model), _ATTACHED, self)]))

    def __enter__(self) -> PreTrainedModel:
        return self.model

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def __deepcopy__(self, _: dict[int, Any]) -> None:
        """A copy of the model has the method for good: nothing there could take it away."""

    def detach(self) -> None:
        """Leave the model as it was."""
        self._stack.close()


def _sharing_weights(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of the modules, whose parameters and buffers are those of `model`."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)


def check_same(backbone: Backbone, model: PreTrainedModel) -> None:
    """Raise ConfigError unless `model` has the shape and the weights of the backbone, in whatever dtype.

    Weights of another dtype are rounded: they may differ by the precision of the coarser one.
    """
    if is_quantised(backbone.model):
        raise ConfigError(
            f"{type(model).__name__}: the run was trained on a quantised model (model.quantize), which this one is not;"
            " call attach() without a model, which takes the run's own"
        )
    ours, theirs = dict(backbone.model.named_parameters()), dict(model.named_parameters())
    wrong = [name for name in ours if name not in theirs or theirs[name].shape != ours[name].shape]
    if wrong or len(ours) != len(theirs):
        example = wrong[0] if wrong else next(name for name in theirs if name not in ours)
        raise ConfigError(
            f"{type(model).__name__}: is not the model of the run, a {type(backbone.model).__name__} with other "
            f"weights ({example}); load the model that the run names"
        )
    for name, weight in ours.items():
        other = theirs[name].detach()
        tolerance = 2 * max(torch.finfo(weight.dtype).eps, torch.finfo(other.dtype).eps)
        if not torch.allclose(weight.to(other.device, torch.float32), other.float(), rtol=tolerance, atol=1e-6):
            raise ConfigError(
                f"{type(model).__name__}: its weights are not those that the run was trained on ({name} differs); load "
                "the model that the run names"
            )


@contextmanager
def _with_prefix_attention(model: PreTrainedModel) -> Iterator[None]:
    before = model.config._attn_implementation
    use_prefix_attention(model)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _shifted_positions(model: PreTrainedModel, offset: int) -> Iterator[None]:
    """Let the text begin at position `offset`, where the model itself begins at 0.

    The library numbers the text by itself or takes numbers from generate(); it does not know of the prefix.
    """

    def shift(
        _: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        positions = named.get("position_ids")
        if positions is None:
            positions = _positions(positional, named)
        return positional, {**named, "position_ids": positions + offset}

    body = model.base_model
    assert isinstance(body, nn.Module)
    hook = body.register_forward_pre_hook(shift, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _positions(positional: tuple[Any, ...], named: dict[str, Any]) -> Tensor:
    """(1, length) positions of the text in a forward pass that names none: behind what its cache holds."""
    inputs = named.get("input_ids")
    if inputs is None:
        inputs = named.get("inputs_embeds")
    if inputs is None:
        inputs = positional[0]
    cache = named.get(CACHE)
    past = cache.get_seq_length() if cache is not None else 0
    return torch.arange(past, past + inputs.shape[1], device=inputs.device).unsqueeze(0)

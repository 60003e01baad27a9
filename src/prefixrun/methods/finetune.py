"""Fine-tuning all parameters (the paper's FINE-TUNE), and what it shares with fine-tuning some of them.

What is trained are copies, which replace the backbone's only within `attach`: the backbone itself never moves, and
the next run of the process finds it as it was. The copies are float32 whatever the precision: of a backbone in bfloat16
they are the master weights, which take steps that are too small for the rounded weights it computes with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.methods.base import Method
from prefixrun.methods.tensor_check import check_fit
from prefixrun.models.blocks import constants, holders
from prefixrun.models.replaced import replaced

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone


class FineTuned(Method):
    """Trained copies in the places of a backbone's parameters, by their names in the backbone.

    A tied parameter, such as the embedding that is also the output layer, stays one.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self._names = tuple(weights)
        self.weights = nn.ParameterList(weights.values())

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        # In the backbone's dtype; gradients go back through the rounding.
        in_format = (weight.to(backbone.head.dtype) for weight in self.weights)
        entries = [
            (module._parameters, name, weight)
            for weight, modules in zip(in_format, holders(backbone.model, self._names), strict=True)
            for module, name in modules
        ]
        with replaced(entries):
            yield

    def trained_tensors(self) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in zip(self._names, self.weights, strict=True)}


def build(config: Config, backbone: Backbone) -> FineTuned:
    """Copies of all weights of the backbone, to be trained."""
    return copies(backbone.model, names(backbone.model))


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FineTuned:
    """The trained weights in use. Raises DamagedStateError when they are another model's."""
    return in_use(backbone.model, names(backbone.model), tensors)


def names(model: PreTrainedModel) -> list[str]:
    """Names of all parameters that can be trained: each once, also where it is tied."""
    fixed = constants(model)
    return [name for name, _ in model.named_parameters() if name not in fixed]


def copies(model: PreTrainedModel, names: Sequence[str]) -> FineTuned:
    """Copies of the weights of these names, to be trained."""
    return FineTuned({name: nn.Parameter(model.get_parameter(name).detach().float().clone()) for name in names})


def in_use(model: PreTrainedModel, names: Sequence[str], tensors: Mapping[str, Tensor]) -> FineTuned:
    """Trained weights of these names in use. Raises DamagedStateError when they are another model's."""
    check_fit(tensors, {name: model.get_parameter(name).shape for name in names})
    return FineTuned({name: nn.Parameter(tensor, requires_grad=False) for name, tensor in tensors.items()})

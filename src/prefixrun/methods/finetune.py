"""Fine-tuning all parameters, or those of the top layers (the paper's FINE-TUNE and FT-TOP2).

What is trained are copies, which replace the backbone's only within `attach`: the backbone itself never moves, and
the next run of the process finds it as it was. The copies are float32 whatever the precision: of a backbone in bfloat16
they are the master weights, which take steps that are too small for the rounded weights it computes with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.errors import ConfigError
from prefixrun.methods.base import Method
from prefixrun.methods.tensor_check import check_fit
from prefixrun.models.blocks import blocks, final_norm, places, stacks

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone


class FineTuned(Method):
    """Parameters of its own in the places of a backbone's, by their names in the backbone.

    A tied parameter, such as the embedding that is also the output layer, stays one.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self._names = tuple(weights)
        self.weights = nn.ParameterList(weights.values())

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        used = (weight.to(backbone.head.dtype) for weight in self.weights)  # gradients go back through the rounding
        held = [
            (module, name, module._parameters[name], own)
            for own, its_places in zip(used, places(backbone.model, self._names), strict=True)
            for module, name in its_places
        ]
        try:
            for module, name, _, own in held:
                module._parameters[name] = own
            yield
        finally:
            for module, name, before, _ in held:
                module._parameters[name] = before

    def trained_tensors(self) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in zip(self._names, self.weights, strict=True)}


def build(config: Config, backbone: Backbone) -> FineTuned:
    """Copies of the backbone's weights, to be trained."""
    model = backbone.model
    return FineTuned(
        {name: nn.Parameter(model.get_parameter(name).detach().float().clone()) for name in names(config, model)}
    )


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FineTuned:
    """The trained weights in use. Raises DamagedStateError when they are another model's."""
    model = backbone.model
    check_fit(tensors, {name: model.get_parameter(name).shape for name in names(config, model)})
    return FineTuned({name: nn.Parameter(tensor, requires_grad=False) for name, tensor in tensors.items()})


def names(config: Config, model: PreTrainedModel) -> list[str]:
    """Names of the parameters that are trained: each once, also where it is tied.

    Raises:
        ConfigError: more layers than the model has.
    """
    if config.method.name == "finetune":
        return [name for name, _ in model.named_parameters()]
    assert config.method.layers is not None, "the rules ask for a size, and a budget is solved before"
    return top_names(model, config.method.layers, config.method.train_embedding)


def top_names(model: PreTrainedModel, layers: int, embedding: bool) -> list[str]:
    """The top `layers` blocks and the final layer norm; with `embedding` also the input embedding.

    That is "ln_f + blocks 22, 23" with or without wte of gpt2/run_language_modeling.py (top_layers 22 and 2), counted
    from the top of any model. The paper does not say which of the two FT-TOP2 is. In an encoder-decoder the blocks are
    the decoder's, which are nearest to the output; BART has no final layer norm outside its blocks.
    """
    stack = stacks(model)[-1]
    every = blocks(stack)
    if layers > len(every):
        raise ConfigError(f"method.layers={layers}: this model has {len(every)} of them; give at most {len(every)}")
    norm = final_norm(stack)
    parts = [*every[len(every) - layers :], *([norm] if norm is not None else [])]
    chosen = {id(parameter) for part in parts for parameter in part.parameters()}
    if embedding:
        chosen.add(id(model.get_input_embeddings().weight))
    return [name for name, parameter in model.named_parameters() if id(parameter) in chosen]

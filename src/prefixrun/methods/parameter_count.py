"""How many numbers a method trains and stores, and its model has, from shapes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.methods import build, refuse

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone


@dataclass(frozen=True, slots=True)
class Parameters:
    """The counts of result.json. What is stored is smaller than what is trained where an MLP is dropped afterwards."""

    trained: int
    stored: int
    total: int
    """Of the frozen model; what the method adds is not part of it."""

    @property
    def trained_share(self) -> float:
        """Per cent of the model."""
        return 100 * self.trained / self.total

    @property
    def stored_share(self) -> float:
        """Per cent of the model: the share that the paper puts behind its methods."""
        return 100 * self.stored / self.total


def count(config: Config, backbone: Backbone) -> Parameters:
    """The counts of a configuration; the method is built without memory. `backbone`: see skeleton.skeleton.

    Raises ConfigError for a method that the backbone cannot have.
    """
    if not METHOD_SPECS[config.method.name].trains:
        refuse(config, backbone)
        return Parameters(0, 0, backbone.total)
    with torch.device("meta"):
        method = build(config, backbone)
        return Parameters(method.trained_count, method.stored_count, backbone.total)

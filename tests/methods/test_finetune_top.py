"""Fine-tuning the top layers: which parameters, how many, and which stored ones fit."""

import pytest
from transformers import PreTrainedModel

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.methods.finetune_top import names, top_names
from prefixrun.models.backbone import Backbone


def config(layers: int) -> Config:
    return compose(["method=finetune_top", f"method.layers={layers}"])


@pytest.mark.parametrize(("embedding", "numbers"), [(False, 25_194_496), (True, 76_658_688 - 1024)])
def test_the_papers_top_two_layers(medium: PreTrainedModel, embedding: bool, numbers: int) -> None:
    """Two blocks of 12,596,224 and ln_f; wte has 50,257 x 1,024 numbers, a row fewer than with the code's pad token."""
    chosen = top_names(medium, 2, embedding)
    assert sum(medium.get_parameter(name).numel() for name in chosen) == numbers
    assert {name.split(".")[2] for name in chosen if ".h." in name} == {"22", "23"}
    assert ("transformer.wte.weight" in chosen) is embedding


def test_the_number_of_layers_counts_from_the_top(medium: PreTrainedModel) -> None:
    chosen = names(config(3), medium)
    assert {name.split(".")[2] for name in chosen if ".h." in name} == {"21", "22", "23"}


def test_more_layers_than_there_are_are_refused_at_the_start(backbone: Backbone) -> None:
    with pytest.raises(ConfigError, match=r"method\.layers=9: this model has [23] of them"):
        methods.refuse(config(9), backbone)

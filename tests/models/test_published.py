"""The shapes of newer models have the numbers of parameters that their authors publish."""

import pytest
from transformers import BartConfig, GPT2Config, OPTConfig, Phi3Config, SmolLM3Config

from prefixrun.config.compose import compose
from prefixrun.models.architectures import configuration
from prefixrun.models.published import PUBLISHED
from prefixrun.models.skeleton import skeleton

EXACT = {
    "gpt2_medium": 354_823_168,
    "gpt2_large": 774_030_080,
    "bart_large": 406_291_456,
    "smollm2_135m": 134_515_008,
    "pythia_160m": 162_322_944,
    "pythia_410m": 405_334_016,
    "smollm2_360m": 361_821_120,
    "smollm3_3b": 3_075_098_624,
    "flan_t5_base": 247_577_856,
}
"""Where papers or pages give all digits."""
MILLIONS = {
    "qwen3_0_6b": "600",  # "0.6B"
    "llama3_2_1b": "1,240",  # "1.23B" in its model card, which rounds down
    "gemma3_270m": "270",
    "opt_125m": "125",
    "opt_350m": "331",  # as the hub counts; the paper calls it 350M
    "olmo2_1b": "1,480",
    "phi3_mini": "3,800",
    "pegasus_xsum": "570",
    "mbart": "611",
}


DEFAULTS = {
    "gpt2": GPT2Config,
    "bart_large": BartConfig,
    "opt_125m": OPTConfig,
    "smollm3_3b": SmolLM3Config,
    "phi3_mini": Phi3Config,
}
"""Models whose shape is the default of their family's configuration in transformers."""
CONTEXTS = ("max_position_embeddings", "sliding_window")
"""What these defaults differ in; no parameter depends on it."""


@pytest.mark.parametrize("model", DEFAULTS)
def test_the_library_has_the_same_shape(model: str) -> None:
    ours, theirs = configuration(model).to_dict(), DEFAULTS[model]().to_dict()
    assert {key for key in ours if ours[key] != theirs.get(key)} <= {*CONTEXTS, "transformers_version"}


def test_every_shape_has_its_numbers() -> None:
    assert PUBLISHED.keys() <= (EXACT | MILLIONS).keys()


@pytest.mark.parametrize("model", EXACT | MILLIONS)
def test_parameters(model: str) -> None:
    backbone = skeleton(compose([f"model={model}"]).model)
    if model in EXACT:
        assert backbone.total == EXACT[model]
    else:
        stated = MILLIONS[model].replace(",", "")
        digits = len(stated.rstrip("0"))
        assert float(f"{backbone.total:.{digits - 1}e}") == float(stated) * 1e6
    assert backbone.is_seq2seq is (model in ("bart_large", "flan_t5_base", "pegasus_xsum", "mbart"))
    assert {parameter.device.type for parameter in backbone.model.parameters()} == {"meta"}

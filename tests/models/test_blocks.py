"""The layers of each family by the names that transformers gives them."""

import pytest
import torch
from transformers import PreTrainedModel

from prefixrun.models.architectures import configuration, from_configuration
from prefixrun.models.blocks import blocks, final_norm, holders, stacks, sub_layers


def model_of(architecture: str) -> PreTrainedModel:
    with torch.device("meta"):
        return from_configuration(configuration(architecture))


@pytest.mark.parametrize(
    ("architecture", "layers", "in_a_block", "norm"),
    [
        ("tiny_gpt2", 2, [["GPT2Attention", "GPT2MLP"]], "LayerNorm"),
        ("tiny_llama", 3, [["LlamaAttention", "LlamaMLP"]], "LlamaRMSNorm"),
        ("tiny_bart", 2, [["BartAttention", "Linear"], ["BartAttention", "BartAttention", "Linear"]], "NoneType"),
        (
            "tiny_t5",
            2,
            [["T5Attention", "T5DenseActDense"], ["T5Attention", "T5Attention", "T5DenseActDense"]],
            "T5LayerNorm",
        ),
    ],
)
def test_stacks_blocks_and_sub_layers(architecture: str, layers: int, in_a_block: list[list[str]], norm: str) -> None:
    model = model_of(architecture)
    for stack, expected in zip(stacks(model), in_a_block, strict=True):
        assert len(blocks(stack)) == layers
        for block in blocks(stack):
            assert [type(layer).__name__ for layer in sub_layers(block)] == expected
        assert type(final_norm(stack)).__name__ == norm


@pytest.mark.parametrize(
    ("architecture", "embedding", "holding"),
    [
        ("tiny_gpt2", "transformer.wte.weight", ["transformer.wte", "lm_head"]),
        ("tiny_llama", "model.embed_tokens.weight", ["model.embed_tokens", "lm_head"]),
        ("tiny_t5", "shared.weight", ["shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head"]),
    ],
)
def test_a_tied_parameter_has_several_holders(architecture: str, embedding: str, holding: list[str]) -> None:
    model = model_of(architecture)
    other = next(name for name, _ in model.named_parameters() if name != embedding)
    tied, single = holders(model, [embedding, other])
    assert {id(module) for module, _ in tied} == {id(model.get_submodule(name)) for name in holding}
    assert {name for _, name in tied} == {"weight"}
    assert [(module, name) for module, name in single] == [
        (model.get_submodule(other.rpartition(".")[0]), other.rpartition(".")[2])
    ]

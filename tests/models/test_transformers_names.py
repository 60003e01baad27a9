"""Names and internals of transformers that are used here: each with a test that fails when a version changes it."""

import inspect

import torch
from transformers import DynamicCache, EncoderDecoderCache, GPT2LMHeadModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

import tiny_families
from prefixrun.models.attention import NAME, attention_sites, prefix_attention
from prefixrun.models.kv_cache import KeyValueCache
from prefixrun.models.transformers_names import CACHE, cache_arguments, uses_registry


def test_the_registries_hand_out_what_was_registered() -> None:
    assert ALL_ATTENTION_FUNCTIONS[NAME] is prefix_attention
    assert ALL_MASK_ATTENTION_FUNCTIONS[NAME] is eager_mask


def test_a_mask_of_the_librarys_is_additive() -> None:
    """Its own calls of a model, without a mask, come with zeros and lowest numbers."""
    masks: list[torch.Tensor] = []
    model = tiny_families.random_model("llama")
    model.set_attn_implementation(NAME)
    for module in attention_sites(model)["decoder"]:
        module.register_forward_pre_hook(lambda _, __, given: masks.append(given["attention_mask"]), with_kwargs=True)
    model(input_ids=torch.tensor([[5, 6, 7]]), attention_mask=torch.tensor([[0, 1, 1]]))
    lowest = torch.finfo(torch.float32).min
    assert masks[0][0, 0, 1:].tolist() == [[lowest, 0, lowest], [lowest, 0, 0]]


def test_the_cache_has_the_name_that_models_take_and_return() -> None:
    assert CACHE in inspect.signature(GPT2LMHeadModel.forward).parameters
    cache = DynamicCache()
    model = tiny_families.random_model("llama")
    output = model(input_ids=torch.tensor([[5, 6, 7]]), **cache_arguments(cache))
    assert getattr(output, CACHE) is cache
    assert cache.get_seq_length() == 3


def test_a_cache_of_this_programs_is_read_and_extended() -> None:
    model, cache = tiny_families.random_model("llama"), KeyValueCache()
    model(input_ids=torch.tensor([[5, 6, 7]]), attention_mask=torch.zeros(1, 1, 3, 3), **cache_arguments(cache))
    assert cache.get_seq_length() == 3
    assert len(cache.key_values()) == 2


def test_a_cache_of_an_encoder_decoder_has_the_parts_that_are_replaced() -> None:
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    assert {"self_attention_cache", "cross_attention_cache", "is_updated"} <= set(vars(cache))


def test_attention_modules_say_their_layer_and_use_the_registry() -> None:
    model = tiny_families.random_model("llama")
    modules = [module for module in model.modules() if type(module).__name__ == "LlamaAttention"]
    assert [module.layer_idx for module in modules] == [0, 1]
    assert all(map(uses_registry, modules))
    assert not uses_registry(torch.nn.Linear(1, 1))

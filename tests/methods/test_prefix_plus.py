"""A prefix outside the softmax: where features and values start."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import elu

import tiny_families
from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.decoding.generate import generate
from prefixrun.methods.attach import Attachment
from prefixrun.methods.init import initial_key_values
from prefixrun.methods.prefix_plus import PlusPrefix
from prefixrun.models.architectures import random_model
from prefixrun.models.attention import attention_sites
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.loading import load
from prefixrun.runs.identity import identity_of


def started(*overrides: str) -> tuple[PlusPrefix, Backbone]:
    config = compose(["model=tiny_gpt2", "method=prefix_plus", *overrides])
    backbone = load(config.model)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    assert isinstance(method, PlusPrefix)
    return method, backbone


@pytest.mark.parametrize("init", ["random", "words", "vocab"])
def test_features_have_a_mean_square_of_about_one_and_values_are_zero(init: str) -> None:
    method, _ = started(f"init={init}", "prefix_len=50")
    features, values = method.prefix["decoder"].detach().unbind(1)
    assert not values.any()
    assert float(features.square().mean()) == pytest.approx(1, abs=0.1)


def test_words_give_the_directions_of_their_keys() -> None:
    words = ("init=words", "init_words=abcd", "prefix_len=5")
    method, backbone = started(*words)
    target = initial_key_values(backbone, compose(["model=tiny_gpt2", "method=prefix_plus", *words]))
    assert target is not None
    keys = elu(target["decoder"][:, 0])
    features = method.prefix["decoder"].detach()[:, 0]
    torch.testing.assert_close(features * keys.square().mean(dim=-1, keepdim=True).sqrt(), keys)


def test_its_rank_is_the_length_and_a_longer_one_than_the_head_has_every_matrix() -> None:
    method, backbone = started("init=random", f"prefix_len={3}")
    with torch.no_grad():
        method.prefix["decoder"].normal_()
        (term, *_) = method.terms("decoder", method.prefix["decoder"])
        matrix = term.features.transpose(1, 2) @ term.values
    assert matrix.shape == (backbone.shape.kv_heads, backbone.shape.head_dim, backbone.shape.head_dim)
    assert torch.linalg.matrix_rank(matrix).tolist() == [3] * backbone.shape.kv_heads


ROWS = [Row((5, 6, 7, 256), ((8, 9, 256), (10, 256))), Row((11, 256), ((12, 13, 14, 256),))]


def with_values(backbone: Backbone, query: str) -> PlusPrefix:
    """A prefix that changes what the model computes."""
    config = compose(["model=tiny_gpt2", "method=prefix_plus", "prefix_len=3", "init=random", f"method.query={query}"])
    method = methods.build(config, backbone)
    assert isinstance(method, PlusPrefix)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.copy_(4 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return method


def states(backbone: Backbone, query: str) -> Tensor:
    method = with_values(backbone, query)
    with torch.no_grad(), method.attach(backbone):
        return method.target_states(backbone, method.collate(backbone, ROWS, "token_mean"))


@pytest.mark.parametrize("family", ["gpt2", "opt", "bart", "t5"])
def test_both_queries_are_the_same_without_rotary_embeddings(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    assert torch.equal(states(backbone, "unrotated"), states(backbone, "rotated"))


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "qwen3", "gpt_oss"])
def test_unrotated_queries_are_others(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    assert not torch.allclose(states(backbone, "unrotated"), states(backbone, "rotated"), atol=1e-2)


@torch.no_grad()
def test_unrotated_the_same_token_gets_the_same_at_every_position() -> None:
    """In the first layer, whose input is the token alone."""
    backbone = tiny_families.backbone_of("llama")
    module, differences = attention_sites(backbone.model)["decoder"][0], []
    for query in ("unrotated", "rotated"):
        outputs: list[Tensor] = []
        hook = module.register_forward_hook(lambda _, __, output, to=outputs: to.append(output[0]))
        batch = Row((65,) * 6, ((65,),))
        method = with_values(backbone, query)
        with method.attach(backbone):
            method.target_states(backbone, method.collate(backbone, [batch], "token_mean"))
        with torch.no_grad():
            method.prefix["decoder"].zero_()
        with method.attach(backbone):
            method.target_states(backbone, method.collate(backbone, [batch], "token_mean"))
        hook.remove()
        added = (outputs[0] - outputs[1])[0]
        differences.append(float((added[1:] - added[:1]).norm() / added.norm()))
    assert differences[0] < 1e-5
    assert differences[1] > 0.1


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("query", ["rotated", "unrotated"])
def test_generate_of_the_library_writes_the_same_with_padding_on_the_left(query: str, beams: int) -> None:
    backbone = load(compose(["model=tiny_llama"]).model)
    method, text = with_values(backbone, query), backbone.tokenizer
    prompts = [text.source(words) for words in ("name : Aromi", "a", "name : The Eagle | near : river")]
    config = compose(["model=tiny_llama", "decode=greedy", "decode.max_new_tokens=8", f"decode.beams={beams}"]).decode
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    ours = generate(backbone, method, prompts, config)
    plain = random_model("tiny_llama").eval()
    settings = {"max_new_tokens": 8, "num_beams": beams, "do_sample": False, "early_stopping": False}
    with Attachment(method, "prefix_plus", backbone, plain):
        written = plain.generate(
            input_ids=ids, attention_mask=mask, eos_token_id=text.end, pad_token_id=text.end, **settings
        )
    rows = written[:, longest:].tolist()
    assert [row[: row.index(text.end)] if text.end in row else row for row in rows] == ours


def test_the_query_of_earlier_runs_is_no_part_of_their_id() -> None:
    def of(*overrides: str) -> dict[str, object]:
        config = compose(["model=tiny_llama", "method=prefix_plus", "prefix_len=3", *overrides])
        method: dict[str, object] = identity_of(config, model="m", data={})["settings"]["method"]
        return method

    assert "query" not in of()
    assert of("method.query=rotated") == of()
    assert of("method.query=unrotated") == {**of(), "query": "unrotated"}

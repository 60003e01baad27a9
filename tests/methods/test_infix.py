"""Infix-tuning: what stands between input and output, with the positions of each row's own."""

import pytest
import torch
from torch import Tensor

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.methods import build
from prefixrun.methods.init import initial_ids
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.masks import causal_mask

SHORT, LONG = Row((4, 256), ((3, 256),)), Row((5, 6, 7, 256), ((8, 9, 256), (10, 256)))


def config(*words: str) -> Config:
    return compose(["model=tiny_gpt2", "method=infix", "prefix_len=4", *words])


def states(backbone: Backbone, asked: Config, rows: list[Row]) -> Tensor:
    method = build(asked, backbone)
    method.initialize(backbone, asked)
    with torch.no_grad(), method.attach(backbone):
        return method.target_states(backbone, method.collate(backbone, rows, "token_mean"))


@pytest.mark.parametrize("mlp", ["true", "false"])
def test_stored_and_gradients(backbone: Backbone, mlp: str) -> None:
    method = build(config(f"method.mlp={mlp}"), backbone)
    shape = backbone.shape
    assert method.stored_count == 4 * (2 * shape.layers * shape.kv_heads * shape.head_dim + shape.width)
    with method.attach(backbone):
        method.target_states(backbone, method.collate(backbone, [SHORT, LONG], "token_mean")).square().sum().backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0, name
    assert all(parameter.grad is None for parameter in backbone.model.parameters())


@pytest.mark.parametrize("mlp", ["true", "false"])
def test_started_from_words_it_is_the_words_between_input_and_output(backbone: Backbone, mlp: str) -> None:
    asked = config("init=words", "init_words=abc", f"method.mlp={mlp}")
    words = initial_ids(backbone, asked)
    assert words is not None
    ours = states(backbone, asked, [LONG])
    for target, places in (((8, 9, 256), slice(0, 3)), ((10, 256), slice(3, 5))):
        ids = [*LONG.source[:-1], *words, 256, *target[:-1]]
        plain = backbone.body(
            input_ids=torch.tensor([ids]),
            position_ids=torch.arange(len(ids))[None],
            attention_mask=causal_mask(len(ids), torch.float32, backbone.head.device),
            use_cache=False,
        ).last_hidden_state[0, -len(target) :]
        torch.testing.assert_close(ours[places], plain, rtol=1e-4, atol=1e-4)


def test_rows_do_not_depend_on_their_batch(backbone: Backbone) -> None:
    """The positions of the paper's code would: they count padding."""
    together, alone = states(backbone, config(), [SHORT, LONG]), states(backbone, config(), [SHORT])
    torch.testing.assert_close(together[:2], alone, rtol=1e-4, atol=1e-4)

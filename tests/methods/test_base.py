"""A method without parameters changes nothing; its counts are those of its tensors."""

import torch
from torch import nn

from prefixrun.config.compose import compose
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row


class Scale(Method):
    """One number that is trained, one that is not, and a part that is dropped after training."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.fixed = nn.Parameter(torch.ones(5), requires_grad=False)
        self.mlp = nn.Linear(2, 2)

    def trained_tensors(self) -> dict[str, torch.Tensor]:
        return {"scale": self.scale.detach()}


def test_without_parameters_the_backbone_computes_what_it_does_alone(backbone: Backbone) -> None:
    method = Method()
    batch = method.collate(backbone, [Row((5, 6, 256), ((7, 256),))], "token_mean")
    alone = method.target_states(backbone, batch)
    with method.attach(backbone):
        assert torch.equal(method.target_states(backbone, batch), alone)
    assert method.initialize(backbone, compose(["model=tiny_gpt2"])) is None
    assert (method.offset, dict(method.key_values(backbone)), method.trained_tensors()) == (0, {}, {})


def test_counts_are_those_of_what_is_trained_and_what_is_kept() -> None:
    assert (Scale().trained_count, Scale().stored_count) == (3 + 2 * 2 + 2, 3)
    assert (Method().trained_count, Method().stored_count) == (0, 0)


def test_a_search_reads_the_prompts_and_goes_on_token_by_token(backbone: Backbone) -> None:
    """The hidden states of a prompt read at once are those of its last token read behind the others."""
    method, prompt = Method(), [5, 6, 7]
    whole = method.prefill(backbone, [prompt])
    states = backbone.body(input_ids=torch.tensor([prompt])).last_hidden_state
    torch.testing.assert_close(whole.hidden, states[:, -1:], rtol=1e-5, atol=1e-5)

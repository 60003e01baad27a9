"""Passes of decoder-only models: padding changes nothing, and token by token is the same as all at once."""

import torch

from prefixrun.models import decoder_only
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.beam_cache import BeamCache

PROMPTS = ([5, 6, 7], [8], [9, 10, 11, 12])


def test_the_states_of_a_row_do_not_depend_on_its_neighbours(backbone: Backbone) -> None:
    rows = [Row((5, 256), ((6, 7, 256), (8, 256))), Row((1, 2, 3, 4, 256), ((9, 256),))]

    def states(*rows: Row) -> torch.Tensor:
        return decoder_only.target_states(backbone, decoder_only.collate(backbone, rows, 3, "token_mean"))

    torch.testing.assert_close(states(*rows), torch.cat([states(row) for row in rows]), rtol=1e-4, atol=1e-5)


def test_prompts_and_written_tokens_are_read_as_all_at_once(backbone: Backbone) -> None:
    state = decoder_only.prefill(backbone, PROMPTS, {}, offset=2)
    for index, prompt in enumerate(PROMPTS):
        ids, positions = torch.tensor([prompt]), 2 + torch.arange(len(prompt))[None]
        whole = backbone.body(input_ids=ids, position_ids=positions).last_hidden_state
        torch.testing.assert_close(state.hidden[index], whole[0, -1:], rtol=1e-4, atol=1e-5)
    assert state.positions.tolist() == [2 + len(prompt) for prompt in PROMPTS]

    written = torch.tensor([[20], [21], [22]])
    cache = BeamCache(beams=1)
    cache.add(state.beam_kv)
    cache.advance([[0]] * 3, state.positions.tolist())
    step = decoder_only.decode_step(backbone, written, state.positions[:, None], cache)
    for index, prompt in enumerate(PROMPTS):
        ids = torch.tensor([[*prompt, int(written[index])]])
        whole = backbone.body(input_ids=ids, position_ids=2 + torch.arange(ids.shape[1])[None]).last_hidden_state
        torch.testing.assert_close(step[index], whole[0, -1:], rtol=1e-4, atol=1e-5)

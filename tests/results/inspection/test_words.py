"""The nearest words: those that a prefix is made of, and cosines by hand."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from prefixrun.config.compose import compose
from prefixrun.methods.init import activations, split_activations
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.results.inspection.words import nearest_words

WORDS = [ord(letter) for letter in "text"]
CANDIDATES = [ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]


def backbone_of(model: str) -> Backbone:
    return load(compose([f"model={model}"]).model)


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
def test_a_prefix_of_words_is_these_words_in_every_layer(model: str) -> None:
    """Also behind other words, and at its own position, which Llama rotates keys by."""
    backbone = backbone_of(model)
    letters = backbone.tokenizer.base.convert_tokens_to_ids
    words, candidates = [letters(each) for each in "text"], [letters(each) for each in "abcdefghijklmnopqrstuvwxyz"]
    tensor = activations(backbone, words)
    (site,) = nearest_words(backbone, FixedPrefix({"decoder": tensor}), candidates)
    assert (site.site, site.text, site.layers) == ("decoder", "text", tuple(range(backbone.shape.layers)))
    for position, letter in zip(site.positions, "text", strict=True):
        assert position.nearest[0].token == letter
        assert position.nearest[0].cosine == pytest.approx(1, abs=1e-5)
        assert position.median < 0.9
        for cell in position.layers:
            assert (cell.token, cell.cosine, cell.keys) == (
                letter,
                pytest.approx(1, abs=1e-5),
                pytest.approx(1, abs=1e-5),
            )
    (upper,) = nearest_words(backbone, FixedPrefix({"decoder": tensor[1:2]}, layers=(1,)), candidates)
    assert (upper.text, upper.layers) == ("text", (1,))


def test_cosines_and_sizes_are_those_of_keys_and_values_head_by_head() -> None:
    backbone = backbone_of("tiny_llama")
    shape = backbone.shape
    tensor = torch.randn(shape.layers, 2, shape.kv_heads, 1, shape.head_dim, generator=torch.Generator().manual_seed(2))
    (site,) = nearest_words(backbone, FixedPrefix({"decoder": tensor}), CANDIDATES)
    tokens = [activations(backbone, [index]) for index in CANDIDATES]
    for layer, cell in enumerate(site.positions[0].layers):
        both = [
            [float(cosine_similarity(tensor[layer, kind], one[layer, kind], dim=-1).mean()) for kind in (0, 1)]
            for one in tokens
        ]
        means = [sum(pair) / 2 for pair in both]
        best = max(range(len(means)), key=means.__getitem__)
        assert cell.cosine == pytest.approx(means[best], abs=1e-5)
        assert cell.keys == pytest.approx(both[best][0], abs=1e-5)
        assert cell.median == pytest.approx(float(torch.tensor(means).median()), abs=1e-5)
        for kind, size in ((0, cell.key_size), (1, cell.value_size)):
            norms = torch.tensor([float(one[layer, kind].norm()) for one in tokens])
            assert size == pytest.approx(float(tensor[layer, kind].norm() / norms.median()), rel=1e-4)


@pytest.mark.parametrize("model", ["tiny_bart", "tiny_t5"])
def test_an_encoder_decoder_reads_each_token_by_itself(model: str) -> None:
    backbone = backbone_of(model)
    tensors = split_activations(backbone, CANDIDATES[3:4])
    sites = nearest_words(backbone, FixedPrefix(tensors), CANDIDATES)
    assert {site.site for site in sites} == {"encoder", "decoder", "cross"}
    for site in sites:
        assert site.text == backbone.tokenizer.base.decode(CANDIDATES[3:4])
        assert site.positions[0].nearest[0].cosine == pytest.approx(1, abs=1e-5)


def test_candidates_are_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = backbone_of("tiny_gpt2")
    prefix = FixedPrefix({"decoder": activations(backbone, WORDS)})
    (whole,) = nearest_words(backbone, prefix, CANDIDATES)
    monkeypatch.setattr("prefixrun.results.inspection.words.CHUNK", 7)
    (parts,) = nearest_words(backbone, prefix, CANDIDATES)
    assert parts.text == whole.text
    assert [each.median for each in parts.positions] == pytest.approx(
        [each.median for each in whole.positions], abs=1e-5
    )

"""Rows of one batch behind prefixes of their own read and write what they do alone."""

import torch

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.generate import generate
from prefixrun.methods.mixed_batch import MixedPrefixes
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone

DECODE = DecodeConfig(name="test", beams=2, max_new_tokens=6, length_norm="total", ban_newlines=False, batch_size=4)


def test_each_row_reads_its_own_prefix(backbone: Backbone) -> None:
    """Prefixes of two lengths, prompts of two lengths, in every combination."""
    torch.manual_seed(0)
    shape = backbone.shape
    prefixes = [{"decoder": torch.randn(shape.layers, 2, shape.kv_heads, length, shape.head_dim)} for length in (2, 5)]
    prompts = [backbone.tokenizer.source(text) for text in ("a b", "a longer input")]
    rows = [(prompt, number) for prompt in prompts for number in range(len(prefixes))]
    mixed = MixedPrefixes(prefixes, [number for _, number in rows])
    together = generate(backbone, mixed, [prompt for prompt, _ in rows], DECODE)
    assert together[0] != together[1], "the prefixes make no difference"
    for hypothesis, (prompt, number) in zip(together, rows, strict=True):
        method = FixedPrefix(prefixes[number])
        with method.attach(backbone):
            assert generate(backbone, method, [prompt], DECODE) == [hypothesis]

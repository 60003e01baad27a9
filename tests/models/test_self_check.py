"""What this program computes with a model of every family is what transformers computes, or the model is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DynamicCache

import tiny_families
from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models import self_check
from prefixrun.models.attention import attach_prefix, attention_sites, use_prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.decoder_only import last_states
from prefixrun.models.families import check_attention, check_configuration
from prefixrun.models.loading import frozen
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import PrefixKV, shared_prefix_kv
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.models.transformers_names import cache_arguments
from prefixrun.models.weights import ModelFiles
from tiny_families import DECODER_ONLY, FAMILIES, backbone_of
from tiny_methods import drawn

MINE = ModelConfig(name="mine", source="path", path="here", layout="auto")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_passes(family: str) -> None:
    backbone = backbone_of(family)
    check_configuration(MINE, backbone.model.config)
    check_attention(MINE, backbone.model, backbone.shape)
    self_check.check(MINE, backbone)
    assert backbone.model.config._attn_implementation == "prefixrun"


@pytest.mark.parametrize("family", DECODER_ONLY)
def test_a_long_text_behind_a_prefix_is_the_librarys(family: str) -> None:
    """Longer than the windows of eight positions, out of which the prefix slides."""
    backbone = backbone_of(family)
    length, prefix_len = 30, 5
    ids = torch.randint(256, (2, length), generator=torch.Generator().manual_seed(2))
    prefix = drawn(backbone, prefix_len, 3)["decoder"]
    positions = torch.arange(prefix_len, prefix_len + length)[None]
    with torch.no_grad(), attach_prefix(backbone.model, shared_prefix_kv({"decoder": prefix}, torch.float32)):
        mask = causal_mask(length, torch.float32, ids.device)
        ours = backbone.logits(last_states(backbone, positions, mask, ids=ids))
    cache = DynamicCache(config=backbone.model.config)
    for layer, (keys, values) in enumerate(prefix):
        cache.update(keys[None].repeat(2, 1, 1, 1), values[None].repeat(2, 1, 1, 1), layer)
    backbone.model.set_attn_implementation("eager")
    try:
        ones = torch.ones(2, prefix_len + length, dtype=torch.long)
        with torch.no_grad():
            theirs = backbone.model(
                input_ids=ids, attention_mask=ones, position_ids=positions, **cache_arguments(cache)
            ).logits
    finally:
        use_prefix_attention(backbone.model)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def broken(family: str, change: Callable[[Any], None]) -> Backbone:
    model = tiny_families.random_model(family)
    change(model)
    layout: Any = "paper" if family in DECODER_ONLY else "t5"
    return frozen(model, byte_tokenizer(layout), ModelFiles(None, "broken", "broken"))


def scaled_head(model: Any) -> None:
    model.lm_head.register_forward_hook(lambda _, __, output: output * 2 if output.dim() == 3 else output)


def ignores_the_prefix_of(site: str) -> Callable[[Any], None]:
    """Prompts of a search are still seen, which are longer or shorter."""

    def seen(module: Any) -> PrefixKV | None:
        prefix: PrefixKV | None = module.__dict__.get("prefix_kv")
        return None if prefix and prefix.keys.shape[2] == self_check.PREFIX else prefix

    def change(model: Any) -> None:
        for module in attention_sites(model)[site]:
            kind = type(module)
            changed = {"prefix_kv": property(seen), "__module__": kind.__module__}
            module.__class__ = type(kind.__name__, (kind,), changed)

    return change


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("llama", scaled_head, r"its logits without a method differ from those of transformers by up to \d"),
        ("llama", ignores_the_prefix_of("decoder"), "its logits behind a prefix, .* differ from those"),
        ("pegasus", ignores_the_prefix_of("encoder"), "a prefix at the site encoder changes nothing"),
        ("pegasus", ignores_the_prefix_of("cross"), "a prefix at the site cross changes nothing"),
    ],
)
def test_what_differs_is_refused(family: str, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^model=mine: {message}"):
        self_check.check(MINE, broken(family, change))


def test_heads_of_several_sizes_are_refused() -> None:
    widened = broken("llama", lambda model: None)
    module = attention_sites(widened.model)["decoder"][1]
    module.k_proj = module.v_proj = torch.nn.Linear(32, 32, bias=False)
    with pytest.raises(ConfigError, match=r"layer 1 \(decoder\) has 4 keys of 8 numbers and values of 8, where 2 of 8"):
        self_check.check(MINE, widened)


def test_a_model_that_has_passed_is_not_checked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls: list[str] = []
    monkeypatch.setattr(self_check, "check", lambda config, backbone: calls.append(config.name))
    backbone = backbone_of("llama")
    self_check.check_once(MINE, backbone)
    self_check.check_once(MINE, backbone)
    assert calls == ["mine"]
    other = Backbone(backbone.model, backbone.tokenizer, ModelFiles(None, "other weights", "other"))
    self_check.check_once(MINE, other)
    assert calls == ["mine", "mine"]


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    self_check.check_once(MINE, backbone_of("llama"))

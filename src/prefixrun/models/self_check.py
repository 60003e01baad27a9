"""The check of a loaded model: that this program computes with it what transformers does.

A few tokens, a fraction of a second for a small model; the outcome is remembered for the model's fingerprint and the
versions of the libraries. On a model that is not frozen in this program's attention yet, it compares

* the logits without a method with the library's own forward pass and its own attention, all at once and, through this
  program's cache, token by token;
* in a decoder-only model a random prefix with the same keys and values in the library's cache;
* in an encoder-decoder what a prefix at each of the three sites changes.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from prefixrun.config.paths import cache_directory
from prefixrun.config.schema import ModelConfig
from prefixrun.models import decoder_only, encoder_decoder
from prefixrun.models.attention import attach_prefix, recorded, use_prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.families import refusal
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.models.transformers_names import cache_arguments

REVISION = 1
"""Of this check: a model that passed an earlier one is checked again."""
SOURCE, TARGET, PREFIX = 7, 5, 3
"""Tokens of the text and positions of the prefix."""
TOLERANCE = 1e-3
"""Largest difference of logits, as a share of the largest logit; float32 differs by a thousandth of that."""


def check_once(config: ModelConfig, backbone: Backbone) -> None:
    """`check`, unless the same model has passed it on this machine with the same versions. Raises as `check`."""
    versions = [f"{package} {version(package)}" for package in ("torch", "transformers")]
    key = hashlib.sha256("\n".join([backbone.files.fingerprint, *versions, str(REVISION)]).encode()).hexdigest()
    passed = cache_directory() / "self_checks" / key[:32]
    if passed.is_file():
        return
    check(config, backbone)
    try:
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.write_text("\n".join([config.name, *versions, ""]), encoding="utf-8")
    except OSError:
        pass  # it is checked again the next time


@torch.no_grad()
def check(config: ModelConfig, backbone: Backbone) -> None:
    """Refuse a model with which this program would compute something else than transformers does.

    backbone: on the CPU, in float32.

    Raises:
        ConfigError: names what differs, and by how much.
    """
    row = _row(backbone.shape.vocabulary)
    batch = _collate(backbone, row)
    sites = _checked_key_values(config, backbone, batch)
    ours = backbone.logits(_states(backbone, batch))
    theirs = _library_logits(backbone, row)
    _compare(config, "its logits without a method", ours, theirs)
    _compare(config, "its logits token by token", backbone.logits(_token_by_token(backbone, row)), theirs)
    prefix = _random_prefix(sites)
    if backbone.is_seq2seq:
        _check_sites(config, backbone, row, prefix, ours)
        return
    with attach_prefix(backbone.model, shared_prefix_kv(prefix, torch.float32)):
        ours = backbone.logits(_states(backbone, _collate(backbone, row, PREFIX)))
    theirs = _library_logits(backbone, row, prefix["decoder"])
    _compare(config, "its logits behind a prefix, beside the same in the cache of transformers,", ours, theirs)


def _row(vocabulary: int) -> Row:
    """Token ids from all over the vocabulary but its ends, where special tokens are."""
    ids = [vocabulary // 4 + index * vocabulary // 32 for index in range(SOURCE + TARGET)]
    return Row(tuple(ids[:SOURCE]), (tuple(ids[SOURCE:]),))


def _collate(backbone: Backbone, row: Row, offset: int = 0) -> Any:
    if backbone.is_seq2seq:
        return encoder_decoder.collate(backbone, [row], "token_mean")
    return decoder_only.collate(backbone, [row], offset, "token_mean")


def _states(backbone: Backbone, batch: Any) -> Tensor:
    """Scaled last hidden states that predict the target: (TARGET, d)."""
    if backbone.is_seq2seq:
        return encoder_decoder.target_states(backbone, batch)
    return decoder_only.target_states(backbone, batch)


def _checked_key_values(config: ModelConfig, backbone: Backbone, batch: Any) -> dict[str, Tensor]:
    """Keys and values of the text by site, (layers, 2, kv_heads, length, head_dim), all of the sizes of `shape`."""
    shape, by_site = backbone.shape, {}
    with recorded(backbone.model, backbone.sites) as records:
        _states(backbone, batch)
    for site, per_layer in records.items():
        if len(per_layer) != shape.layers:
            raise refusal(config, f"{len(per_layer)} of the {shape.layers} attention modules of the site {site} act")
        for layer, (key, value) in enumerate(per_layer):
            if key.shape != value.shape or (key.shape[1], key.shape[3]) != (shape.kv_heads, shape.head_dim):
                raise refusal(
                    config,
                    f"layer {layer} ({site}) has {key.shape[1]} keys of {key.shape[3]} numbers and values of "
                    f"{value.shape[3]}, where {shape.kv_heads} of {shape.head_dim} are expected; only models with the "
                    "same sizes in all layers are supported",
                )
        by_site[site] = torch.stack([torch.cat(layer) for layer in per_layer])
    return by_site


def _random_prefix(key_values: dict[str, Tensor]) -> dict[str, Tensor]:
    """A prefix of random numbers as large as a text's keys and values, by site."""
    stream, prefix = torch.Generator().manual_seed(0), {}
    for site, tensor in key_values.items():
        shape = (*tensor.shape[:3], PREFIX, tensor.shape[4])
        spread = tensor.std(dim=(2, 3, 4), keepdim=True)
        prefix[site] = torch.randn(shape, generator=stream) * spread
    return prefix


def _library_logits(backbone: Backbone, row: Row, prefix: Tensor | None = None) -> Tensor:
    """The logits that predict the target, (TARGET, vocabulary), by the library's own forward pass and attention.

    prefix: keys and values (layers, 2, kv_heads, length, head_dim) in its cache.
    """
    (target,) = row.targets
    model = backbone.model
    model.set_attn_implementation("eager")
    try:
        if backbone.is_seq2seq:
            written = torch.tensor([[backbone.tokenizer.start, *target[:-1]]])
            logits = model(input_ids=torch.tensor([row.source]), decoder_input_ids=written, use_cache=False).logits
            return logits[0]  # type: ignore[no-any-return]
        ids = torch.tensor([[*row.source, *target[:-1]]])
        first, cache = 0, None
        if prefix is not None:
            first, cache = prefix.shape[3], DynamicCache(config=model.config)
            for layer, (keys, values) in enumerate(prefix):
                cache.update(keys[None], values[None], layer)
        positions = torch.arange(first, first + ids.shape[1])[None]
        logits = model(
            input_ids=ids,
            attention_mask=torch.ones(1, first + ids.shape[1], dtype=torch.long),
            position_ids=positions,
            **cache_arguments(cache),
        ).logits
        return logits[0, len(row.source) - 1 :]  # type: ignore[no-any-return]
    finally:
        use_prefix_attention(model)


def _token_by_token(backbone: Backbone, row: Row) -> Tensor:
    """As `_states`, as a search reads the target: through this program's cache."""
    (target,) = row.targets
    if backbone.is_seq2seq:
        prefill = encoder_decoder.prefill(backbone, [row.source], {})
    else:
        prefill = decoder_only.prefill(backbone, [row.source], {}, 0)
    states, cache = [prefill.hidden[0]], BeamCache(beams=1)
    cache.add(prefill.beam_kv)
    with attach_prefix(backbone.model, {"cross": prefill.cross_kv} if prefill.cross_kv else {}):
        for index, token in enumerate(target[:-1]):
            ids, positions = torch.tensor([[token]]), (prefill.positions + index)[None]
            cache.advance([[0]], positions[0].tolist())
            if backbone.is_seq2seq:
                states.append(encoder_decoder.decode_step(backbone, ids, cache)[0])
            else:
                states.append(decoder_only.decode_step(backbone, ids, positions, cache)[0])
    return torch.cat(states)


def _check_sites(config: ModelConfig, backbone: Backbone, row: Row, prefix: dict[str, Tensor], plain: Tensor) -> None:
    """A prefix at any site changes the logits, and the encoder's states if it is the encoder's and only then."""
    batch = _collate(backbone, row)
    encoded = encoder_decoder.encode(backbone, batch.source, batch.source_mask)
    for site, tensor in prefix.items():
        with attach_prefix(backbone.model, shared_prefix_kv({site: tensor}, torch.float32)):
            logits = backbone.logits(_states(backbone, batch))
            changed = encoder_decoder.encode(backbone, batch.source, batch.source_mask)
        if torch.equal(logits, plain):
            raise refusal(config, f"a prefix at the site {site} changes nothing")
        if torch.equal(changed, encoded) is (site == "encoder"):
            what = "does not change" if site == "encoder" else "changes"
            raise refusal(config, f"a prefix at the site {site} {what} the states of the encoder")


def _compare(config: ModelConfig, what: str, ours: Tensor, theirs: Tensor) -> None:
    largest, difference = float(theirs.abs().max()), float((ours - theirs).abs().max())
    if not difference <= TOLERANCE * largest:
        raise refusal(
            config,
            f"{what} differ from those of transformers by up to {difference:.2g} (the largest is {largest:.2g}), so "
            "that this program would not compute with this model what its authors meant",
        )

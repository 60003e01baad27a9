"""Encoder-decoders: prefixes at three sites against attention written by hand, batches, and searches against the
library's own."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from few_tokens import END, few_tokens, few_tokens_backbone
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig, InitConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError
from prefixrun.methods import build
from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.methods.init import split_activations
from prefixrun.methods.prefix import FixedPrefix, chosen_sites
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.attention import attach_prefix, attention_sites
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, Row
from prefixrun.models.loading import load
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.training.loss import target_nll
from tiny_methods import drawn

SITES = ("encoder", "decoder", "cross")
PREFIX_LEN = 3
PAD, BEGIN = 10, 11
GREEDY = DecodeConfig(
    name="test", beams=1, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=16
)
BEAM = replace(GREEDY, beams=4)
PROMPTS = ([BEGIN, 3, END], [1, 2, 3, 4, 5, END], [5, 5, END], [9, 8, 10, 6, 2, 11, 4, 1, END], [2, END], [7] * 7)
LAYOUTS = {"tiny_bart": "bart", "tiny_t5": "t5"}


@pytest.fixture(params=["tiny_bart", "tiny_t5"])
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backbone(architecture: str) -> Backbone:
    return load(
        ModelConfig(name=architecture, source="random", architecture=architecture, layout=LAYOUTS[architecture])  # type: ignore[arg-type]
    )


@pytest.fixture
def small(architecture: str) -> Backbone:
    return few_tokens_backbone(architecture, PAD, LAYOUTS[architecture], pad_token_id=PAD, bos_token_id=BEGIN)


def a_prefix(backbone: Backbone, seed: int = 0, sites: Sequence[str] = SITES) -> dict[str, Tensor]:
    return {site: tensor for site, tensor in drawn(backbone, PREFIX_LEN, seed).items() if site in sites}


def by_hand(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **rest: Any) -> Any:
    """Attention over concatenated keys and values, written out; `module.before` holds what stands in front."""
    length = 0
    if getattr(module, "before", None) is not None:
        before = module.before.expand(len(query), -1, -1, -1, -1)
        key, value = torch.cat([before[:, 0], key], dim=2), torch.cat([before[:, 1], value], dim=2)
        length = before.shape[3]
    scores = query @ key.transpose(2, 3) * rest["scaling"]
    added = torch.zeros_like(scores)
    for part in (mask, rest.get("position_bias")):
        if part is not None:
            added[..., length:] += part
    return ((scores + added).softmax(-1) @ value).transpose(1, 2), None


def plain_logits(
    model: PreTrainedModel, key_values: PrefixKeyValues, source: Sequence[int], decoder_ids: Sequence[int]
) -> Tensor:
    """The whole model on one pair without padding or cache, the prefix concatenated by hand."""
    ALL_ATTENTION_FUNCTIONS.register("by_hand", by_hand)
    before = model.config._attn_implementation
    model.set_attn_implementation("by_hand")
    sites = attention_sites(model)
    for site, tensor in key_values.items():
        for module, layer in zip(sites[site], tensor, strict=True):
            module.before = layer.unsqueeze(0)
    length = len(decoder_ids)
    causal = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
    try:
        return model(
            input_ids=torch.tensor([list(source)]),
            attention_mask=torch.zeros(1, 1, 1, len(source)),
            decoder_input_ids=torch.tensor([list(decoder_ids)]),
            decoder_attention_mask=causal,
            use_cache=False,
        ).logits[0]
    finally:
        model.set_attn_implementation(before)
        for modules in sites.values():
            for module in modules:
                module.before = None


def pair_nll(backbone: Backbone, method: Method, rows: Sequence[Row]) -> Tensor:
    batch = method.collate(backbone, rows, "sentence_sum")
    with method.attach(backbone):
        states = method.target_states(backbone, batch)
    pairs = sum(len(row.targets) for row in rows)
    return target_nll(states, backbone.head, batch.labels, batch.factors, backbone.head_bias) * pairs


ROWS = [
    Row((5, 6, 7, 8, END), ((1, 2, 3, END), (4, END), (9, 9, 8, 1, END))),
    Row((3, END), ((2, 2, END),)),
]


@pytest.mark.parametrize("sites", [(), *[(site,) for site in SITES], ("encoder", "cross"), SITES])
def test_a_padded_batch_is_each_pair_alone_with_the_prefix_concatenated(
    small: Backbone, sites: tuple[str, ...]
) -> None:
    """Also what separate pairs are: three targets share one encoded input here."""
    key_values = a_prefix(small, sites=sites)
    method = FixedPrefix(key_values) if sites else Method()
    expected = torch.zeros(())
    for row in ROWS:
        for target in row.targets:
            logits = plain_logits(small.model, key_values, row.source, [small.tokenizer.start, *target[:-1]])
            expected = expected - logits.log_softmax(-1)[range(len(target)), list(target)].sum()
    torch.testing.assert_close(pair_nll(small, method, ROWS), expected, rtol=1e-5, atol=1e-5)
    alone = [Row(row.source, (target,)) for row in ROWS for target in row.targets]
    parts = sum(pair_nll(small, method, [row]) for row in alone)
    torch.testing.assert_close(torch.as_tensor(parts), expected, rtol=1e-5, atol=1e-5)


def test_the_sites_are_separate_and_the_prefix_matters(small: Backbone) -> None:
    nlls = {}
    for sites in [(), *[(site,) for site in SITES], SITES]:
        method = FixedPrefix(a_prefix(small, sites=sites)) if sites else Method()
        nlls[sites] = round(float(pair_nll(small, method, ROWS)), 4)
    zero = FixedPrefix({site: torch.zeros_like(tensor) for site, tensor in a_prefix(small).items()})
    assert len({*nlls.values(), round(float(pair_nll(small, zero, ROWS)), 4)}) == 6


def test_a_prefix_moves_no_position(small: Backbone) -> None:
    """Prefix columns that nothing looks at (keys far away from every query) leave the output as it was."""
    key_values = a_prefix(small)
    pushed = {site: tensor.clone() for site, tensor in key_values.items()}
    for site in pushed:
        pushed[site][:, 1] = 0
    batch = Method().collate(small, ROWS, "token_mean")
    with Method().attach(small):
        expected = Method().target_states(small, batch)
    shape = small.shape
    hidden = {
        site: [
            replace(prefix, bias=torch.full((1, 1, 1, PREFIX_LEN), torch.finfo(torch.float32).min))
            for prefix in per_layer
        ]
        for site, per_layer in shared_prefix_kv(pushed, torch.float32).items()
    }
    assert len(hidden["cross"]) == shape.layers
    with attach_prefix(small.model, hidden):
        torch.testing.assert_close(Method().target_states(small, batch), expected)


def test_four_examples_are_learned_by_heart(backbone: Backbone) -> None:
    torch.manual_seed(0)
    text = backbone.tokenizer
    pairs = [PairIds(tuple(text.source(f"name {n}")), tuple(text.target(f"{n * 37 % 11} is"))) for n in range(4)]
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    method = FlatPrefix(backbone.shape, backbone.sites, 10)
    optimiser = torch.optim.Adam(method.parameters(), lr=0.1)
    losses = []
    for _ in range(120):
        optimiser.zero_grad()
        loss = pair_nll(backbone, method, rows) / sum(len(pair.target) for pair in pairs)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 1.2 < 4 < losses[0]
    assert generate(backbone, method, [pair.source for pair in pairs], GREEDY) == [
        list(pair.target[:-1]) for pair in pairs
    ]


def of_the_library(architecture: str, prompt: Sequence[int], **settings: Any) -> list[int]:
    """`model.generate` of an untouched model, without the start token and what follows the end."""
    model = few_tokens(architecture)
    ids = torch.tensor([list(prompt)])
    start = END if architecture == "tiny_bart" else PAD
    output = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        eos_token_id=END,
        pad_token_id=PAD,
        decoder_start_token_id=start,
        **settings,
    )
    written: list[int] = output[0, 1:].tolist()
    return written[: written.index(END)] if END in written else written


@pytest.mark.parametrize("beams", [1, 4])
def test_without_a_prefix_a_search_is_the_librarys(architecture: str, small: Backbone, beams: int) -> None:
    lengths = set()
    for limit, penalty in product((1, 4, 9), (0.0, 0.8, 2.0) if beams > 1 else (1.0,)):
        config = replace(BEAM, beams=beams, max_new_tokens=limit, length_penalty=penalty)
        settings = {"num_beams": beams, "max_new_tokens": limit}
        if beams > 1:
            settings |= {"length_penalty": penalty, "early_stopping": False}
        outputs = generate(small, Method(), PROMPTS, config)
        assert outputs == [of_the_library(architecture, prompt, **settings) for prompt in PROMPTS], (limit, penalty)
        lengths |= set(map(len, outputs))
    assert len(lengths) > 2


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize(("least", "ngram"), [(5, 0), (0, 2), (4, 2), (6, 3)])
def test_least_length_and_repeats_are_the_librarys(
    architecture: str, small: Backbone, beams: int, least: int, ngram: int
) -> None:
    config = replace(BEAM, beams=beams, min_new_tokens=least, no_repeat_ngram=ngram)
    # The library counts n-grams from the start token on, which is PAD in T5; real models never write it.
    config = replace(config, ban_newlines=True)
    settings: dict[str, Any] = {"num_beams": beams, "max_new_tokens": 8, "min_new_tokens": least}
    settings["suppress_tokens"] = [PAD]
    settings |= (
        {"no_repeat_ngram_size": ngram, "early_stopping": False} if beams > 1 else {"no_repeat_ngram_size": ngram}
    )
    outputs = generate(small, Method(), PROMPTS, config)
    assert outputs == [of_the_library(architecture, prompt, **settings) for prompt in PROMPTS]
    assert min(map(len, outputs)) >= least


def test_greedy_with_a_prefix_is_a_full_pass_at_every_step(small: Backbone) -> None:
    """Cached = uncached, and the prefix reaches the search at all three sites."""
    outputs = {}
    for sites in [*[(site,) for site in SITES], SITES]:
        key_values = a_prefix(small, sites=sites)
        outputs[sites] = generate(small, FixedPrefix(key_values), PROMPTS, GREEDY)
        for prompt, output in zip(PROMPTS, outputs[sites], strict=True):
            written: list[int] = []
            while len(written) < GREEDY.max_new_tokens:
                best = int(
                    plain_logits(small.model, key_values, prompt, [small.tokenizer.start, *written])[-1].argmax()
                )
                if best == END:
                    break
                written.append(best)
            assert output == written
    assert len({str(each) for each in outputs.values()}) > 2


@pytest.mark.parametrize("config", [GREEDY, BEAM, replace(BEAM, length_norm="total", no_repeat_ngram=2)])
def test_batch_and_order_of_the_inputs_change_no_output(small: Backbone, config: DecodeConfig) -> None:
    method = FixedPrefix(a_prefix(small))
    together = generate(small, method, PROMPTS, config)
    for size in (1, 3):
        parts = [PROMPTS[start : start + size] for start in range(0, len(PROMPTS), size)]
        assert [output for part in parts for output in generate(small, method, part, config)] == together
    assert generate(small, method, PROMPTS[::-1], config) == together[::-1]


def test_words_give_what_a_pass_over_them_leaves_behind(backbone: Backbone) -> None:
    """With these prefixes the next token is the one of a model that has read the words, where positions cannot tell."""
    ids = backbone.tokenizer.text(" a b")
    key_values = split_activations(backbone, ids)
    shape = backbone.shape
    assert {site: tensor.shape for site, tensor in key_values.items()} == dict.fromkeys(
        SITES, (shape.layers, 2, shape.kv_heads, len(ids), shape.head_dim)
    )
    first = backbone.model.get_encoder()
    family = backbone.model.config.model_type
    layer = first.layers[0] if family == "bart" else first.block[0].layer[0]
    attention = layer.self_attn if family == "bart" else layer.SelfAttention
    project = attention.k_proj if family == "bart" else attention.k
    embedded = backbone.embed(torch.tensor([ids]))
    if family == "bart":
        read = first.layernorm_embedding(embedded + first.embed_positions(torch.tensor([ids])))
    else:
        read = layer.layer_norm(embedded)
    expected = project(read).view(len(ids), shape.kv_heads, shape.head_dim).transpose(0, 1)
    torch.testing.assert_close(key_values["encoder"][0, 0], expected)
    flat_prefix = FlatPrefix(shape, SITES, len(ids))
    assert flat_prefix.fit_to(key_values, InitConfig(name="words")) == 0
    assert all(torch.equal(flat_prefix.stored_key_values()[site], key_values[site]) for site in SITES)


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        ("tiny_bart", "all", SITES),
        ("tiny_bart", "encoder+cross", ("encoder", "cross")),
        ("tiny_t5", "decoder", ("decoder",)),
    ],
)
def test_sites_are_chosen_by_name(model: str, asked: str, expected: tuple[str, ...]) -> None:
    config = compose([f"model={model}", "task=xsum", f"method.sites={asked}"])
    loaded = load(config.model)
    assert chosen_sites(config, loaded) == expected
    assert set(build(config, loaded).key_values(loaded)) == set(expected)


def test_sites_that_are_not_there_are_refused() -> None:
    config = compose(["model=tiny_gpt2", "method.sites=encoder"])
    with pytest.raises(ConfigError, match="tiny_gpt2 has no attention of the site encoder; it has decoder"):
        chosen_sites(config, load(config.model))


@pytest.mark.parametrize(
    ("overrides", "model", "decode"),
    [
        (["task=xsum"], "bart_large", "beam6_xsum_paper"),
        (["task=xsum_within_news"], "bart_large", "beam6_xsum_paper"),
        (["task=e2e"], "gpt2_medium", "beam5_paper"),
        (["task=xsum", "model=gpt2_medium"], "gpt2_medium", "beam6_xsum_paper"),
        (["model=tiny_bart"], "tiny_bart", "beam5_paper"),
    ],
)
def test_the_papers_profile_takes_the_papers_model(overrides: list[str], model: str, decode: str) -> None:
    config = compose(["profile=paper", "data_dir=data", *overrides])
    assert (config.model.name, config.decode.name) == (model, decode)

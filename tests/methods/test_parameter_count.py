"""Parameter counts on the exact shapes, as the paper and its repository have them."""

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.methods import build
from prefixrun.methods.parameter_count import Parameters, count
from prefixrun.models.loading import load
from prefixrun.models.skeleton import skeleton

MEDIUM, LARGE, BART = 354_823_168, 774_030_080, 406_291_456


def counts(*words: str) -> Parameters:
    config = compose(words)
    return count(config, skeleton(config.model))


@pytest.mark.parametrize(
    ("model", "length", "stored"),
    [
        *(("gpt2_medium", 1, 49_152), ("gpt2_medium", 5, 245_760), ("gpt2_medium", 6, 294_912)),
        *(("gpt2_medium", 10, 491_520), ("gpt2_medium", 20, 983_040), ("gpt2_medium", 40, 1_966_080)),
        *(("gpt2_large", 5, 460_800), ("gpt2_large", 10, 921_600)),
        *(("bart_large", 1, 73_728), ("bart_large", 5, 368_640), ("bart_large", 40, 2_949_120)),
        *(("bart_large", 80, 5_898_240), ("bart_large", 100, 7_372_800), ("bart_large", 200, 14_745_600)),
    ],
)
@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
def test_a_stored_prefix(method: str, model: str, length: int, stored: int) -> None:
    """prefix_len x 2 x layers x width: the 250K and 500K of the paper's abstract are lengths 5 and 10."""
    found = counts(f"model={model}", f"method={method}", f"prefix_len={length}")
    assert found.stored == stored
    assert (found.trained == stored) is (method == "prefix_flat")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # Embedding(l, d), Linear(d, 512), Linear(512, 2 L d), with biases: 5 x 1,024 + 524,800 + 25,214,976.
        (["model=gpt2_medium", "prefix_len=5"], Parameters(25_744_896, 245_760, MEDIUM)),
        (["model=gpt2_medium", "prefix_len=10"], Parameters(25_750_016, 491_520, MEDIUM)),
        (["model=gpt2_large", "prefix_len=10"], Parameters(47_946_752, 921_600, LARGE)),
        (["model=bart_large", "method.mid_dim=800", "prefix_len=100"], Parameters(61_823_328, 7_372_800, BART)),
        (["model=bart_large", "method.mid_dim=800", "prefix_len=200"], Parameters(62_130_528, 14_745_600, BART)),
        (["model=gpt2_medium", "method=prefix_gated", "prefix_len=5"], Parameters(246_144, 246_144, MEDIUM)),
        (["model=gpt2_medium", "method=prefix_plus", "prefix_len=5"], Parameters(245_760, 245_760, MEDIUM)),
        (
            ["model=gpt2_medium", "method=prefix_flat", "prefix_len=5", "method.layers=0-23/2"],
            Parameters(122_880, 122_880, MEDIUM),
        ),
        # A table of l x d, and while training an MLP of 2 x 1,024 x 512 + 512 + 1,024 numbers.
        (["model=gpt2_medium", "method=embedding", "prefix_len=1"], Parameters(1_050_112 + 1_024, 1_024, MEDIUM)),
        (["model=gpt2_medium", "method=embedding", "prefix_len=10"], Parameters(1_050_112 + 10_240, 10_240, MEDIUM)),
        (["model=gpt2_medium", "method=embedding", "prefix_len=20"], Parameters(1_050_112 + 20_480, 20_480, MEDIUM)),
        (
            ["model=gpt2_medium", "method=embedding", "method.mlp=false", "prefix_len=20"],
            Parameters(20480, 20480, MEDIUM),
        ),
        (
            ["model=gpt2_medium", "method=infix", "method.mlp=false", "prefix_len=1"],
            Parameters(50_176, 50_176, MEDIUM),
        ),
        (["model=gpt2_medium", "method=finetune"], Parameters(MEDIUM, MEDIUM, MEDIUM)),
        (["model=gpt2_medium", "method=finetune_top"], Parameters(25_194_496, 25_194_496, MEDIUM)),
        (
            # The paper's code has a row of 1,024 more in the embedding, for the pad token: 76,658,688.
            ["model=gpt2_medium", "method=finetune_top", "method.train_embedding=true"],
            Parameters(76_657_664, 76_657_664, MEDIUM),
        ),
        (["model=gpt2_medium", "method=prompt"], Parameters(0, 0, MEDIUM)),
    ],
    ids=str,
)
def test_what_is_trained_and_stored(words: list[str], expected: Parameters) -> None:
    assert counts(*words) == expected


def test_the_shares_of_the_paper() -> None:
    found = counts("model=bart_large", "method.mid_dim=800", "prefix_len=200")
    assert (round(found.trained_share, 1), round(found.stored_share, 3)) == (15.3, 3.629)
    assert round(counts("model=gpt2_medium", "prefix_len=5").trained_share, 2) == 7.26


@pytest.mark.parametrize("method", [spec.name for spec in METHOD_SPECS.values() if spec.trains])
def test_shapes_count_like_the_method_on_weights(method: str) -> None:
    sizes = {"adapter": ["method.bottleneck=3"], "lora": ["method.rank=3"]}.get(method, ["prefix_len=3"])
    config = compose(["model=tiny_gpt2", f"method={method}", "method.mid_dim=8", *sizes])
    backbone = load(config.model)
    built = build(config, backbone)
    assert count(config, skeleton(config.model)) == Parameters(built.trained_count, built.stored_count, backbone.total)

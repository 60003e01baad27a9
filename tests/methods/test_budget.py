"""The size that a budget asks for: the closest there is, found before anything is loaded."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefixrun.config.method_sizes import size_of
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.methods import budget
from prefixrun.methods.budget import check_total, closest, describe
from prefixrun.methods.parameter_count import Parameters, count
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.skeleton import skeleton
from prefixrun.runs.configure import compose, sweep_points


@settings(deadline=None)  # the comparison tries every size
@given(
    first=st.integers(1, 10_000),
    step=st.integers(1, 1_000),
    wanted=st.floats(0, 5_000),
    largest=st.one_of(st.none(), st.integers(1, 40)),
)
def test_no_other_size_comes_closer(first: int, step: int, wanted: float, largest: int | None) -> None:
    def stored(size: int) -> int:
        assert 1 <= size <= (largest or max(size, 2)), "a size that the model cannot have"
        return first + step * (size - 1)

    found = closest(stored, wanted, largest)
    sizes = range(1, (largest or math.ceil(wanted / step) + 1) + 1)
    assert found == min(sizes, key=lambda size: (abs(stored(size) - wanted), size))


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["model=gpt2_medium", "method=prefix", "budget=0.1%"], 7),
        (["model=gpt2_medium", "method=prefix_flat", "budget=0.1%"], 7),
        (["model=gpt2_medium", "method=prefix_gated", "budget=0.1%"], 7),
        (["model=gpt2_medium", "method=prefix_plus", "method.layers=12", "budget=0.1%"], 14),
        (["model=gpt2_medium", "method=infix", "budget=0.1%"], 7),
        (["model=gpt2_medium", "method=embedding", "budget=0.01%"], 35),
        (["model=gpt2_medium", "method=finetune_top", "budget=10%"], 3),
        (["model=gpt2_medium", "method=finetune_top", "budget=0.1%"], 1),
        (["model=gpt2_medium", "method=finetune_top", "budget=100%"], 24),
        (["model=gpt2_large", "method=prefix", "budget=0.1%"], 8),
        # Two blocks of width 32: 2 x (2 x 32 + 1) numbers a bottleneck, and 2 x 3 x 32 whatever it is, of 66,496.
        (["model=tiny_gpt2", "method=adapter", "budget=5%"], round((66_496 / 20 - 192) / 130)),
        # Queries and values: 3 x (2 x 32 + 32 + 16) numbers a rank, of 36,128.
        (["model=tiny_llama", "method=lora", "budget=5%"], round(36_128 / 20 / 336)),
        (["model=bart_large", "method=prefix", "budget=2%"], 110),
        (["model=bart_large", "method=prefix", "method.sites=decoder", "budget=2%"], 331),
    ],
    ids=str,
)
def test_a_budget_chooses_the_size(words: list[str], size: int) -> None:
    assert size_of(compose(words)) == size


def test_what_conf_sets_gives_way_and_what_is_typed_does_not() -> None:
    paper = ["profile=paper", "data_dir=/corpora", "budget=0.1%"]
    assert compose(paper).prefix_len == 7, "the recipe's 5 is nobody's wish"
    assert compose([*paper, "method=finetune_top", "method.layers=null"]).method.layers == 1
    with pytest.raises(ConfigError, match=r"^prefix_len=5: budget=0\.1% chooses it; give one of them$"):
        compose([*paper, "prefix_len=5"])
    with pytest.raises(ConfigError, match=r"^method\.layers=2: budget=0\.1% chooses it"):
        compose([*paper, "method=finetune_top", "method.layers=2"])


def test_a_budget_that_does_not_fit_is_a_point_with_the_reason() -> None:
    fits, too_long, infix = sweep_points(["model=gpt2_medium,bart_large", "method=prefix", "budget=0.1%,50%"])[:3]
    assert fits.config is not None
    assert too_long.problems == (
        "budget=50%: the size that comes closest is prefix_len=3609: model=gpt2_medium has 1024 positions for prefix, "
        "input and output together; give a shorter one",
    )
    assert infix.config is not None
    (refused,) = sweep_points(["model=bart_large", "method=infix", "model.layout=paper", "budget=1%"])
    assert refused.problems[0].startswith("model.layout=paper: does not fit model=bart_large")


def test_what_a_budget_has_come_to_is_said() -> None:
    config = compose(["model=gpt2_medium", "budget=0.1%"])
    assert describe(config) == ("budget 0.1%: prefix_len=7 stores 344,064 numbers, 0.097 % of the model's 354,823,168")


def test_a_model_of_another_size_than_its_shapes_is_refused() -> None:
    config = compose(["model=tiny_gpt2", "budget=5%"])
    check_total(config, load(config.model))
    with pytest.raises(
        ConfigError, match=r"budget=5%: was solved for a model of .* give the size itself, as in prefix"
    ):
        check_total(config, load(compose(["model=tiny_llama"]).model))


def test_a_sweep_builds_two_sizes_of_a_method_whatever_its_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int | None] = []

    def build_and_count(config: Config, backbone: Backbone) -> Parameters:
        built.append(size_of(config))
        return count(config, backbone)

    monkeypatch.setattr(budget, "_counted", {})
    monkeypatch.setattr(budget, "count", build_and_count)
    words = ["model=tiny_gpt2", "method=prefix,adapter", "budget=5%,10%", "seed=1,2"]
    points = [point.config for point in sweep_points(words)]
    assert len({(config.method.name, size_of(config)) for config in points if config}) == 4
    assert built == [1, 2, 1, 2]


@pytest.mark.parametrize("method", sorted(name for name, spec in METHOD_SPECS.items() if spec.size_key))
def test_what_a_method_stores_is_linear_in_its_size(method: str) -> None:
    words = ["model=gpt2_medium", f"method={method}"]
    key = METHOD_SPECS[method].size_key
    config = compose([*words, f"{key}=1"])
    of_size = budget._stored_counts(config, None)
    for size in (1, 2, 7, 23):
        assert count(compose([*words, f"{key}={size}"]), skeleton(config.model)).stored == of_size(size)

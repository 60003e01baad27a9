"""Which key holds a method's size, and when a size and a budget contradict each other."""

import pytest

from prefixrun.config.method_sizes import size_contradiction, size_of, size_override, with_size
from prefixrun.config.method_specs import METHOD_SPECS, MethodSpec
from prefixrun.runs.configure import compose


@pytest.mark.parametrize(
    ("words", "size", "text"),
    [
        (["method=prefix", "prefix_len=7"], 7, "prefix_len=7"),
        (["method=infix", "prefix_len=1"], 1, "prefix_len=1"),
        (["method=finetune_top"], 2, "method.layers=2"),
        (["method=prefix_gated", "method.layers=0-14"], 10, "prefix_len=10"),
        (["method=finetune"], None, ""),
        (["method=prompt"], None, ""),
    ],
)
def test_the_size_of_a_method(words: list[str], size: int | None, text: str) -> None:
    config = compose(words)
    assert (size_of(config), size_override(config)) == (size, text)


@pytest.mark.parametrize("spec", [spec for spec in METHOD_SPECS.values() if spec.size_key], ids=lambda spec: spec.name)
def test_another_size_changes_nothing_else(spec: MethodSpec) -> None:
    config = compose([f"method={spec.name}", f"{spec.size_key}=3"])
    other = with_size(config, 17)
    assert size_of(other) == 17
    assert with_size(other, 3) == config


def test_only_what_was_typed_contradicts_a_budget() -> None:
    config = compose(["method=finetune_top", "model=tiny_gpt2", "budget=5%"])
    assert size_contradiction(config, {"budget", "prefix_len"}) is None
    assert size_contradiction(config, {"method.layers"}) == "method.layers=1: budget=5% chooses it; give one of them"
    assert size_contradiction(compose(["prefix_len=3"]), {"prefix_len"}) is None

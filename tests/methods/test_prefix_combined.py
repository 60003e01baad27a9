"""Several prefixes as one."""

import pytest
import torch

from prefixrun.config.method_specs import COMBINATIONS
from prefixrun.errors import ConfigError
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.methods.prefix_combined import combined


def flat(length: int, seed: int, layers: int = 2) -> PrefixKeyValues:
    return {"decoder": torch.randn(layers, 2, 3, length, 4, generator=torch.Generator().manual_seed(seed))}


def test_concatenated_in_order_and_the_text_shifts_by_both() -> None:
    first, second = flat(2, 0), flat(3, 1)
    both = combined("concatenate", [first, second])
    assert torch.equal(both["decoder"][:, :, :, :2], first["decoder"])
    assert torch.equal(both["decoder"][:, :, :, 2:], second["decoder"])
    assert FixedPrefix(both).offset == 5


@pytest.mark.parametrize(
    ("combine", "weights", "expected"),
    [
        ("average", None, (0.5, 0.5)),
        ("average", (3.0, 1.0), (0.75, 0.25)),
        ("sum", None, (1.0, 1.0)),
        ("sum", (1.0, -1.0), (1.0, -1.0)),
    ],
)
def test_keys_and_values_are_added(
    combine: str, weights: tuple[float, ...] | None, expected: tuple[float, float]
) -> None:
    first, second = flat(2, 0)["decoder"], flat(2, 1)["decoder"]
    made = combined(combine, [{"decoder": first}, {"decoder": second}], weights)["decoder"]
    torch.testing.assert_close(made, expected[0] * first + expected[1] * second)


def test_one_prefix_is_itself() -> None:
    for combine in ("concatenate", "average", "sum"):
        assert torch.equal(combined(combine, [flat(2, 0)])["decoder"], flat(2, 0)["decoder"])


def test_keys_of_the_first_and_values_of_the_second() -> None:
    made = combined("keys_values", [flat(2, 0), flat(2, 1)])["decoder"]
    assert torch.equal(made[:, 0], flat(2, 0)["decoder"][:, 0])
    assert torch.equal(made[:, 1], flat(2, 1)["decoder"][:, 1])


def test_what_does_not_fit_is_refused() -> None:
    for combine in COMBINATIONS[1:]:
        with pytest.raises(ConfigError, match=r"prefix 2 does not fit prefix 1: .* and one length"):
            combined(combine, [flat(2, 0), flat(3, 0)])
    with pytest.raises(ConfigError, match="prefix 2 does not fit"):
        combined("concatenate", [flat(2, 0), flat(2, 0, layers=3)])
    with pytest.raises(ConfigError, match="no prefixes were given"):
        combined("concatenate", [])
    with pytest.raises(ConfigError, match="takes the keys of one prefix and the values of another, not 3"):
        combined("keys_values", [flat(2, 0)] * 3)

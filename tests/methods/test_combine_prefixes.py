"""Two prefixes as one."""

import pytest
import torch

from prefixrun.errors import ConfigError
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.combine_prefixes import average, concatenate
from prefixrun.methods.prefix import FixedPrefix


def flat(length: int, seed: int, layers: int = 2) -> PrefixKeyValues:
    return {"decoder": torch.randn(layers, 2, 3, length, 4, generator=torch.Generator().manual_seed(seed))}


def test_concatenated_in_order_and_the_text_shifts_by_both() -> None:
    first, second = flat(2, 0), flat(3, 1)
    both = concatenate([first, second])
    assert torch.equal(both["decoder"][:, :, :, :2], first["decoder"])
    assert torch.equal(both["decoder"][:, :, :, 2:], second["decoder"])
    assert FixedPrefix(both).offset == 5


def test_the_average() -> None:
    first, second = flat(2, 0), flat(2, 1)
    assert torch.equal(average([first, first])["decoder"], first["decoder"])
    torch.testing.assert_close(average([first, second])["decoder"], (first["decoder"] + second["decoder"]) / 2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"prefix 2 does not fit prefix 1: .* and one length"):
        average([flat(2, 0), flat(3, 0)])
    with pytest.raises(ConfigError, match="prefix 2 does not fit"):
        concatenate([flat(2, 0), flat(2, 0, layers=3)])
    with pytest.raises(ConfigError, match="no prefixes were given"):
        concatenate([])

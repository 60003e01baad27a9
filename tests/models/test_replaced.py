"""Values that stand in mappings for the duration of a block."""

import pytest

from prefixrun.models.replaced import replaced


def _fail() -> None:
    raise RuntimeError


def test_mappings_are_as_before_behind_the_block_whatever_ends_it() -> None:
    first: dict[str, int | None] = {"a": 1, "b": 2}
    second: dict[str, int | None] = {"a": 3}
    with replaced([(first, "a", 10), (first, "new", 11), (second, "a", None)]):
        assert (first, second) == ({"a": 10, "b": 2, "new": 11}, {"a": None})
        with pytest.raises(RuntimeError), replaced([(first, "a", 20)]):
            _fail()
        assert first["a"] == 10
    assert (first, second) == ({"a": 1, "b": 2}, {"a": 3})

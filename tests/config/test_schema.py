"""The schema is the reference manual: every field is documented, frozen and bounded."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_type_hints

import pytest

from prefixrun.cli.help import field_docs
from prefixrun.config import schema
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config, Range

SECTIONS = [Config, *(hint for hint in get_type_hints(Config).values() if is_dataclass(hint))]


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_every_field_has_a_sentence_under_it(cls: type) -> None:
    docs = field_docs()
    hints = get_type_hints(cls)
    assert cls.__doc__
    for field in (field for field in fields(cls) if not is_dataclass(hints[field.name])):
        assert docs[f"{cls.__name__}.{field.name}"].endswith("."), field.name


def test_a_configuration_cannot_be_changed() -> None:
    config = compose()
    with pytest.raises(FrozenInstanceError):
        config.prefix_len = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        config.train.lr = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Range(1), [1, 1e9], [0, -1]),
        (Range(0, above=True), [1e-12], [0, -1e-12]),
        (Range(0, 1, above=True), [1, 0.5], [0, 1.0001]),
        (schema.Range(0, 2**32 - 1), [0, 2**32 - 1], [2**32, -1]),
    ],
    ids=str,
)
def test_a_range_holds_its_ends(bounds: Range, inside: list[float], outside: list[float]) -> None:
    assert all(bounds.contains(value) for value in inside)
    assert not any(bounds.contains(value) for value in outside)


def test_a_range_says_what_it_holds() -> None:
    assert str(Range(1)) == "at least 1"
    assert str(Range(0, 1, above=True)) == "above 0 and at most 1"
    assert str(Range(0, 2**32 - 1)) == "at least 0 and at most 4294967295"

"""The schema is the reference manual: every field is documented, frozen and bounded."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_type_hints

import pytest

from prefixrun.cli.help import field_docs
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config

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

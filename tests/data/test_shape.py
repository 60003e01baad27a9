"""Parsed JSON: what is no corpus is one message."""

import pytest

from prefixrun.data import shape
from prefixrun.errors import DataError


def test_a_number_that_python_does_not_convert_is_an_error_of_the_file() -> None:
    with pytest.raises(DataError, match=r"^train\.json: a number is too long for a corpus"):
        shape.parse("[" + "9" * 5000 + "]", "train.json")

"""Stored tensors of another method, model or size are refused with what is wrong with them."""

import pytest
import torch

from prefixrun.errors import DamagedStateError
from prefixrun.methods.tensor_check import check_fit

SHAPES = {"a": torch.Size([2]), "b": torch.Size([1, 3])}


def test_tensors_of_the_right_shapes_pass() -> None:
    check_fit({"a": torch.zeros(2), "b": torch.zeros(1, 3, dtype=torch.bfloat16)}, SHAPES)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": torch.zeros(2)}, "b is missing"),
        ({"a": torch.zeros(2), "b": torch.zeros(1, 3), "c": torch.zeros(1)}, "c is not expected"),
        ({"a": torch.zeros(3), "b": torch.zeros(1, 3)}, r"a is torch.float32 of \(3,\), not \(2,\) numbers"),
        ({"a": torch.zeros(2, dtype=torch.int64), "b": torch.zeros(1, 3)}, r"a is torch.int64 of \(2,\)"),
        ({name: torch.zeros(1) for name in "cdef"}, "a is missing; b is missing; c is not expected and 3 more"),
    ],
)
def test_what_does_not_belong_is_named(tensors: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(DamagedStateError, match=message):
        check_fit(tensors, SHAPES)

"""What is timed computes the same on each side. (Compiling itself needs a compiler, and is left to the benchmark.)"""

import torch
from benchmarks.compiled import SIZES, gradient
from transformers import LlamaModel

from prefixrun.models.training_kernels import training_kernels


def test_the_gradient_is_that_of_the_library() -> None:
    torch.manual_seed(0)
    model = LlamaModel(SIZES).eval().requires_grad_(False)
    numbers, upstream = torch.randn(2, 2, 5, SIZES.hidden_size).unbind()
    found = gradient(model, numbers, upstream)
    with training_kernels(model):
        torch.testing.assert_close(gradient(model, numbers, upstream), found, rtol=1e-4, atol=1e-4)

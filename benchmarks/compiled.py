"""`python -m benchmarks.compiled`: layers of a frozen model as the library has them, as in training, and compiled.

Four layers of SmolLM2-135M's sizes with random numbers, 8 rows of 76 positions, float32, forward and backward,
processor time of one thread. torch.compile needs a C++ compiler.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaModel

from prefixrun.console import print_text
from prefixrun.models.training_kernels import training_kernels

ROWS, POSITIONS, ROUNDS = 8, 76, 12
SIZES = LlamaConfig(
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=4,
    num_attention_heads=9,
    num_key_value_heads=3,
    vocab_size=8,
)


def gradient(model: LlamaModel, numbers: Tensor, upstream: Tensor) -> Tensor:
    """That of the input, for a sum that weighs the output by `upstream`; all (rows, positions, width)."""
    numbers = numbers.detach().requires_grad_()
    output = model(inputs_embeds=numbers, use_cache=False).last_hidden_state
    (found,) = torch.autograd.grad(output, numbers, upstream)
    return found


def milliseconds(model: LlamaModel, numbers: Tensor, upstream: Tensor) -> float:
    """The least processor time of one pass forward and backward."""
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        gradient(model, numbers, upstream)
        times.append(time.process_time() - started)
    return 1000 * min(times)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = LlamaModel(SIZES).eval().requires_grad_(False)
    numbers, upstream = torch.randn(2, ROWS, POSITIONS, SIZES.hidden_size).unbind()
    print_text(f"library             {milliseconds(model, numbers, upstream):6.0f} ms")
    with training_kernels(model):
        print_text(f"as in training      {milliseconds(model, numbers, upstream):6.0f} ms")
    for layer in model.layers:
        layer.compile(dynamic=True)
    started = time.monotonic()
    gradient(model, numbers, upstream)
    seconds = time.monotonic() - started
    print_text(
        f"torch.compile       {milliseconds(model, numbers, upstream):6.0f} ms, after {seconds:.0f} s of compiling"
    )


if __name__ == "__main__":
    main()

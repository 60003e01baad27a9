"""The least time that this machine needs for the products of a round, each measured at its size and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from statistics import median

import torch
from torch import Tensor
from torch.nn.functional import linear

from benchmarks.ours import load_model, train_config
from benchmarks.products import Product, Work, prefill_work, sizes_of, token_work, training_work
from benchmarks.sides import BEAMS, SEED, Setup, seconds
from prefixrun.models.frozen_linear import can_multiply, multiply, multiply_each
from prefixrun.models.loading import DTYPES
from prefixrun.training.sampler import schedule_steps

REPETITIONS = 3
"""Of each product; their median counts."""
POOL, POOL_BYTES = 32, 64 * 2**20
"""Most weights that take turns in a measurement, and what they take: more than a cache, so that they come from memory
as those of a model's layers do."""


class Limit:
    """Measures products in a process of its own, like a side. Times are those of the fastest operator there is."""

    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(setup.threads)
        self.setup = setup
        self.sizes = sizes_of(load_model(setup.plan), setup.plan.prefix_len)
        self.device = torch.device(setup.plan.device)
        self.dtype = DTYPES[setup.plan.precision]

    def train(self, targets_per_row: int) -> float:
        """Least seconds of a training round."""
        setup = self.setup
        config = train_config(len(setup.pairs), setup.plan.train_batch, targets_per_row)
        work = Work()
        for step in schedule_steps(setup.pairs, config, SEED):
            work += training_work(self.sizes, step.rows)
        return self._seconds(work)

    def decode(self, batch_size: int, outputs: Sequence[int]) -> float:
        """Least seconds of a decoding round with outputs of these lengths, in batches that stay full.

        Every input takes one step more than its output has tokens, in which it ends.
        """
        prompts = [len(prompt) for prompt in self.setup.prompts]
        work = Work()
        for start in range(0, len(prompts), batch_size):
            work += prefill_work(self.sizes, prompts[start : start + batch_size])
        written = sum(outputs) // len(outputs)
        inputs = min(batch_size, len(prompts))
        step = token_work(self.sizes, inputs, BEAMS, sum(prompts) // len(prompts), max(1, written // 2))
        # The first token of an output comes from the prompt.
        return self._seconds(work) + sum(outputs) / inputs * self._seconds(step)

    def _seconds(self, work: Work) -> float:
        return sum(count * self._product(product) for product, count in sorted(work.items()))

    def _product(self, product: Product) -> float:
        """Median seconds of a product by the fastest operator."""
        with torch.no_grad():
            candidates = self._batched(product) if product.batch else self._with_weights(product)
            return min(median(self._timed(candidate) for _ in range(REPETITIONS)) for candidate in candidates)

    def _batched(self, product: Product) -> list[Callable[[], object]]:
        left = self._numbers(product.batch, product.rows, product.inner)
        right = self._numbers(product.batch, product.inner, product.columns)
        across = right.transpose(1, 2).contiguous().transpose(1, 2)
        candidates: list[Callable[[], object]] = [lambda: torch.bmm(left, right), lambda: torch.bmm(left, across)]
        if self.dtype == torch.float32 and self.device.type == "cpu":
            candidates += [lambda: multiply_each(left, right), lambda: multiply_each(left, across)]
        return candidates

    def _with_weights(self, product: Product) -> list[Callable[[], object]]:
        x, weights = self._numbers(product.rows, product.inner), self._pool(product)
        plain = cycle(weights)
        candidates: list[Callable[[], object]] = [lambda: linear(x, next(plain))]
        if can_multiply(weights[0]):
            as_it_lies = cycle(weights)
            candidates.append(lambda: multiply(x, next(as_it_lies)))
            reorder = torch.ops.mkldnn._reorder_linear_weight
            packed = cycle([reorder(weight.contiguous(), product.rows) for weight in weights])
            candidates.append(lambda: multiply(x, next(packed)))
        return candidates

    def _pool(self, product: Product) -> list[Tensor]:
        """Weights (columns, inner), each like that of one layer; backward they are transposed views."""
        size = (product.inner, product.columns) if product.is_backward else (product.columns, product.inner)
        first = self._numbers(*size)
        copies = max(1, min(POOL, POOL_BYTES // (first.numel() * first.element_size())))
        pool = [first, *(first.clone() for _ in range(copies - 1))]
        return [weight.T for weight in pool] if product.is_backward else pool

    def _numbers(self, *size: int) -> Tensor:
        return torch.ones(size, device=self.device, dtype=self.dtype)

    def _timed(self, candidate: Callable[[], object]) -> float:
        started = seconds(self.setup.plan)
        candidate()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return seconds(self.setup.plan) - started

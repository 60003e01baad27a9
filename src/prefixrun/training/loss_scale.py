"""Loss scaling for float16, whose smallest numbers are larger than many gradients.

The loss is multiplied before the backward pass, and the gradients, which arrive in float32, are divided after it. Where
they were too large for float16, the step is computed again with a smaller factor. Each step begins with the same one,
so that a resumed run needs to remember none. Factors are powers of two: they change no digit of a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn

LOSS_SCALES: Mapping[torch.dtype, tuple[float, ...]] = {torch.float16: (4096.0, 64.0, 1.0)}
"""Factors that are tried one after another, by the dtype of the model; the others have the range of float32."""
UNSCALED = (1.0,)


def unscale(parameters: Iterable[nn.Parameter], scale: float) -> bool:
    """Divide the gradients by `scale`; whether all of them are finite."""
    gradients = [parameter.grad.div_(scale) for parameter in parameters if parameter.grad is not None]
    # Read back together: each reading waits for the GPU.
    return not gradients or bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all())

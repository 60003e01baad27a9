"""The teacher of a distillation: the frozen model with something in its context (Cartridges, arXiv 2506.06266).

The student predicts from the same inputs without that context. What is learnt is the teacher's whole distribution at
the positions of the targets, without a temperature, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.training.loss import TeacherStates


@dataclass(frozen=True, slots=True)
class TeacherOutput:
    """What a teacher says of some rows, and what that took."""

    targets: TeacherStates
    """In the order of the labels of a batch of these rows."""
    positions: int
    """Token positions that its pass has computed, padding included."""


class Teacher:
    """A frozen backbone with a method that is not trained, such as a discrete prompt."""

    def __init__(self, method: Method, backbone: Backbone) -> None:
        self._method, self._backbone = method.to(backbone.head.device).eval(), backbone

    @torch.no_grad()
    def states(self, rows: Sequence[Row]) -> TeacherOutput:
        """What it predicts from at the targets of some rows. No other method may be attached; dropout is off."""
        method, backbone, model = self._method, self._backbone, self._backbone.model
        batch = method.collate(backbone, rows, "token_mean")
        was_training = model.training
        if was_training:  # with train.lm_dropout
            model.eval()
        try:
            with method.attach(backbone):
                hidden = method.target_states(backbone, batch)
        finally:
            if was_training:
                model.train()
        return TeacherOutput(TeacherStates(hidden, backbone.head, backbone.head_bias), batch.position_count)

"""TensorBoard: event files in RESULTS_DIR/trackers/tensorboard/RUN/."""

from __future__ import annotations

from collections.abc import Sequence

from torch.utils.tensorboard import SummaryWriter

from prefixrun.tracking.tracker import COLUMNS, Sample, TrackedRun, Values


class ToTensorboard:
    """A directory of event files; one that goes on gets another file, which TensorBoard joins."""

    def __init__(self, run: TrackedRun) -> None:
        self._writer = SummaryWriter(str(run.directory / "tensorboard" / run.name))
        rows = [[key, str(value)] for key, value in {"run_id": run.id, **run.settings}.items()]
        self._writer.add_text("settings", _markdown(("key", "value"), rows))

    def scalars(self, step: int, values: Values) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        self.scalars(step, values)
        self._writer.add_text("samples", _markdown(COLUMNS, [sample.cells() for sample in samples]), step)

    def close(self, *, finished: bool) -> None:
        self._writer.close()


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = (
        [cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, ["---"] * len(head), *rows)
    )
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)

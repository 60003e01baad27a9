"""What is stored of a training's progress can be read again, also by later versions."""

from dataclasses import asdict

from prefixrun.training.progress import Progress


def test_progress_of_earlier_versions_is_read() -> None:
    stored = {"step": 3, "epoch_nll": 7.5, "epoch_tokens": 5, "joint": 2, "history": [{"step": 2, "train_loss": 1.0}]}
    progress = Progress.restored(stored)
    assert (progress.step, progress.nll_since_evaluation, progress.tokens_since_evaluation) == (3, 7.5, 5)
    assert Progress.restored(asdict(progress)) == progress

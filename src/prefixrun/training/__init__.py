"""The training loop with its loss, batches, checkpoints and processes."""

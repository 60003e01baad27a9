"""Settings of a run that takes a second, and the content of a result.json that is valid."""

from typing import Any

SMALL = (
    "prefix_len=4",
    "init.fit_steps=5",
    "method.mid_dim=16",
    "train_size=8",
    "train.max_steps=4",
    "train.warmup_steps=0",
    "train.batch_size=4",
    "train.eval_examples=4",
    "test_size=3",
    "decode.max_new_tokens=6",
    "threads=1",
)

SMALLEST = (
    *("model=tiny_gpt2", "method=prefix_flat", "init=random", "prefix_len=2", "train_size=8", "train.max_steps=2"),
    *("train.warmup_steps=0", "train.batch_size=4", "train.eval_examples=0", "test_size=2", "decode.beams=1"),
    *("decode.max_new_tokens=4", "threads=1"),
)
"""Of a run that takes a fraction of it."""

RESULT: dict[str, Any] = {
    "profile": "quick",
    "task": "e2e",
    "model": "tiny_gpt2",
    "method": "prefix",
    "prefix_len": 5,
    "init": "words",
    "seed": 101,
    "data_source": "sample",
    "split": "test",
    "n_train": 10,
    "n_inputs": 4,
    "scores": {"BLEU": {"value": 12.5, "signature": "refs:1"}},
    "parameters": {"trained": 100, "stored": 40, "total": 1000},
    "costs": {"train_seconds": 1.5, "train_tokens": 80, "decode_seconds": 0.5, "peak_memory_bytes": 10**9},
    "provenance": {},
}
"""Without `schema_version` and `run_id`, which Run.finish fills in."""

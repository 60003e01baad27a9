"""Requests of several users, each behind a prefix of its own: decoded in one batch, and one after the other.

python scripts/mixed_batch.py [results/measurements/mixed_batch.json]

Section 8 of the paper argues that prefixes of many users can share a batch. A prefix is what the frozen model computes
for the words of another instruction; nothing is trained, as the work does not depend on the numbers. A request is one
input of the sample corpus of E2E. In every round the same requests are decoded three times: in one batch with a prefix
a row, one request after the other, and in one batch that has one prefix for all, which shows what mixing itself costs.
What claim C23 says comes from the file (analysis/claim_measurements.py).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from prefixrun import data
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.generate import generate
from prefixrun.files import write_json
from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.methods.init import activations, word_ids
from prefixrun.methods.mixed_batch import MixedPrefixes
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.runs.prepare import load_backbone
from prefixrun.runs.provenance import provenance

INSTRUCTIONS = (
    "Write one sentence about this restaurant:",
    "Describe the place below in plain words:",
    "Recommend this venue to a friend:",
    "Summarize the following facts:",
    "Tell a family whether to eat here:",
    "Answer as a waiter who works there:",
    "Write a line for a city guide:",
    "Say what the reviews say of it:",
)
"""One for each user."""
PREFIX_LEN = 10
TOKENS = 24
"""Of every output, at most."""
ROUNDS = 5
"""Fixed beforehand; the first decoding of each kind is warm-up and is not counted."""


def main(out: Path, model: str = "smollm2_135m") -> None:
    """Measure and write one file."""
    backbone = load_backbone(compose([f"model={model}", "threads=1"]))
    prefixes = [_prefix(backbone, words) for words in INSTRUCTIONS]
    examples = data.load("e2e", "test", None).examples[: len(prefixes)]
    requests = [backbone.tokenizer.source(example.source) for example in examples]
    with prepacked_weights(backbone.model):
        kinds = _kinds(backbone, prefixes, requests)
        outputs = {name: decode() for name, decode in kinds.items()}
        rounds = [{name: _seconds(decode) for name, decode in kinds.items()} for _ in range(ROUNDS)]
    equal = sum(one == other for one, other in zip(outputs["mixed"], outputs["separate"], strict=True))
    write_json(
        out,
        {
            "model": model,
            "prefixes": len(prefixes),
            "prefix_len": PREFIX_LEN,
            "requests": len(requests),
            "equal": equal,
            "different_texts": len(set(outputs["mixed"])),
            "seconds": rounds,
            "provenance": provenance(["python", "scripts/mixed_batch.py"], threads=1),
        },
    )
    print(f"{equal} of {len(requests)} outputs equal; seconds {rounds}")


def _prefix(backbone: Backbone, words: str) -> PrefixKeyValues:
    return {"decoder": activations(backbone, word_ids(backbone, None, words, PREFIX_LEN))}


def _kinds(
    backbone: Backbone, prefixes: Sequence[PrefixKeyValues], requests: Sequence[list[int]]
) -> dict[str, Callable[[], list[tuple[int, ...]]]]:
    """Name of a way to decode the requests → what does it."""
    config = DecodeConfig(
        name="mixed", beams=1, max_new_tokens=TOKENS, length_norm="total", ban_newlines=True, batch_size=len(requests)
    )

    def decode(method: Method, prompts: Sequence[list[int]]) -> list[tuple[int, ...]]:
        with torch.inference_mode():
            return [tuple(ids) for ids in generate(backbone, method, prompts, config)]

    mixed = MixedPrefixes(prefixes, range(len(prefixes)))
    alone = [FixedPrefix(prefix) for prefix in prefixes]
    return {
        "mixed": lambda: decode(mixed, requests),
        "separate": lambda: [decode(method, [prompt])[0] for method, prompt in zip(alone, requests, strict=True)],
        "one_prefix": lambda: decode(alone[0], requests),
    }


def _seconds(decode: Callable[[], object]) -> float:
    """Processor time on the CPU, one thread: other programs do not count."""
    started = time.process_time()
    decode()
    return time.process_time() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/measurements/mixed_batch.json"))

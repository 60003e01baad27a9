"""The stages of a run, where they can be looked at without training."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from prefixrun import files, stages
from prefixrun.compose import compose
from prefixrun.data import Example
from prefixrun.errors import ConfigError
from prefixrun.models import Backbone
from prefixrun.runs import Run
from prefixrun.schema import DecodeConfig

FLAT = torch.zeros(1)
EXAMPLES = tuple(
    Example(f"test-{number}", source, (f"text {number}",)) for number, source in enumerate(("b b", "a", "b b", "c c c"))
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Every prompt that is decoded; the output is the number of prompts before it."""
    prompts: list[list[int]] = []

    def generate(backbone: Backbone, flat: Tensor, batch: Sequence[list[int]], decode: DecodeConfig) -> list[list[int]]:
        prompts.extend(batch)
        return [backbone.tokenizer.text(f"out{len(prompt)}") for prompt in batch]

    monkeypatch.setattr(stages, "generate", generate)
    return prompts


def outputs(directory: Path) -> list[str]:
    config = compose(["task=dart", "model=tiny_llama", "decode.batch_size=2", "threads=1"])
    this = Run(directory, task="dart", method="prefix", model="tiny", identity={"settings": {}})
    with this.hold():
        if not this.costs.exists():
            files.write_json(this.costs, {"decode_seconds": 0.0})
        return stages._generate(this, config, EXAMPLES, stages.load_backbone(config), FLAT)


def test_examples_with_the_same_input_share_one_output(tmp_path: Path, asked: list[list[int]]) -> None:
    texts = outputs(tmp_path)
    assert len(asked) == 3
    assert texts[0] == texts[2]
    assert len(set(texts)) == 3
    assert texts[0].startswith("out")


def test_examples_that_are_written_are_not_decoded_again(tmp_path: Path, asked: list[list[int]]) -> None:
    first = outputs(tmp_path)
    assert outputs(tmp_path) == first
    assert len(asked) == 3


def test_a_task_without_metrics_is_refused_before_anything_is_computed() -> None:
    config = compose(["task.name=mine", "model=tiny_llama"])
    with pytest.raises(ConfigError, match="task=mine: no metrics are defined"):
        stages.check_fit(config, None, None)  # type: ignore[arg-type]

"""The stages of a run, where they can be looked at without training."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prefixrun import methods
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.data import Example
from prefixrun.decoding.generate import generate
from prefixrun.errors import DamagedStateError
from prefixrun.methods import Method
from prefixrun.models.backbone import Backbone
from prefixrun.runs import pipeline, stages
from prefixrun.runs.prepare import load_backbone, prepare
from prefixrun.runs.run import Run
from prefixrun.training.progress import Progress

METHOD = Method()
EXAMPLES = tuple(
    Example(f"test-{number}", source, (f"text {number}",)) for number, source in enumerate(("b b", "a", "b b", "c c c"))
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Every prompt that is decoded; the output is the number of prompts before it."""
    prompts: list[list[int]] = []

    def generate(
        backbone: Backbone, method: Method, batch: Sequence[list[int]], decode: DecodeConfig
    ) -> Iterator[tuple[int, list[list[int]]]]:
        prompts.extend(batch)
        return ((index, [backbone.tokenizer.text(f"out{len(prompt)}")]) for index, prompt in enumerate(batch))

    monkeypatch.setattr(stages, "generate_each", generate)
    return prompts


def outputs(directory: Path) -> list[str]:
    config = compose(["task=dart", "model=tiny_llama", "decode.batch_size=2", "threads=1"])
    prepared = prepare(config)
    prompts = {example.source: prepared.backbone.tokenizer.source(example.source) for example in EXAMPLES}
    prepared = replace(prepared, data=replace(prepared.data, inputs=EXAMPLES), prompts=prompts)
    this = Run(directory, task="dart", method="prefix", model="tiny", identity={"settings": {}})
    with this.hold():
        texts, seconds = pipeline.decode(this, prepared, METHOD)
    assert seconds > 0
    return texts


@pytest.mark.parametrize("words", ["finetune", "finetune_top", "lora method.rank=2", "prefix_flat"])
def test_what_is_decoded_is_what_the_trained_method_says(words: str) -> None:
    config = compose(["task=e2e", "model=tiny_llama", *f"method={words}".split(), "test_size=4", "decode=greedy"])
    prepared = prepare(config)
    method = methods.build(config, prepared.backbone)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    decoded = {ex.id: texts for batch in stages.decode(prepared, method, {}) for ex, texts in batch.outputs}
    for example in prepared.data.inputs:
        (ids,) = generate(prepared.backbone, method, [prepared.prompts[example.source]], config.decode)
        assert decoded[example.id] == (prepared.backbone.tokenizer.output(ids),)


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


@pytest.mark.parametrize("content", [b"", b"not safetensors"])
def test_a_damaged_prefix_is_an_error(tmp_path: Path, content: bytes) -> None:
    this = Run(tmp_path, task="dart", method="prefix", model="tiny", identity={})
    with this.hold():
        this.trained_file.write_bytes(content)
    with pytest.raises(DamagedStateError, match=r"prefix\.safetensors: SafetensorError: .* to train again"):
        pipeline.load_trained(this.trained_file, load_backbone(compose(["model=tiny_llama"])))


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (
            ["train.warmup_steps=50"],
            "train.warmup_steps=50: the training has 4 steps and does not reach its learning rate; give",
        ),
        (["train.max_steps=9"], "train.max_steps=9: train.epochs=2 end the training after 4 steps"),
        (
            ["train.keep=best", "train.eval_every=5", "train.eval_examples=2"],
            "train.keep=best: the development loss is measured once, after the last step; give train.eval_every",
        ),
    ],
)
def test_what_a_short_training_does_not_do_is_said(
    settings: list[str], note: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data_fraction=0.05", "train.epochs=2", "test_size=1", "decode.max_new_tokens=2", *settings]
    assert main(["profile=quick", "model=tiny_llama", *words, f"results_dir={tmp_path}"]) == 0
    assert note in " ".join(capsys.readouterr().out.split())


def test_the_speed_behind_a_resume_is_that_of_this_process() -> None:
    shown: list[str] = []

    class Shown:
        def update(self, step: int, steps: int, text: str) -> None:
            shown.append(text)

    before = Progress(step=10, seconds=100.0, pair_tokens=1_000)
    now = Progress(step=12, seconds=101.0, pair_tokens=1_500)
    stages._report(Shown(), before, now, 20, 1.0)  # type: ignore[arg-type]
    assert shown == ["loss 1.000  500 tokens/s"]

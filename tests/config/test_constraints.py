"""Settings that contradict each other."""

import pytest

from prefixrun.config.compose import compose
from prefixrun.errors import ConfigError
from prefixrun.runs.result_schema import LARGEST


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["profile=paper"], "data_dir: profile=paper runs on the real corpora; give data_dir=DIR"),
        (["profile=laptop"], "data_dir: profile=laptop runs on the real corpora"),
        (["task.dataset_config=en"], "task.dataset_config=en: is of a data set on the hub; add task.dataset=NAME"),
        (
            ["init=words", "init_words=null", "init.default_words=null", "task.default_words=null"],
            "init_words: init=words initialises the prefix from a text; give init_words=TEXT",
        ),
        (
            ["data_fraction=0.5", "train_size=10", "train.warmup_steps=0"],
            "train_size=10: both it and data_fraction=0.5 choose the training pairs",
        ),
        (["train.warmup_steps=5", "train.max_steps=5"], "train.warmup_steps=5: must be less than train.max_steps=5"),
        (
            ["train.warmup_steps=4", "train_size=17", "train.batch_size=8", "train.accumulate=2", "train.epochs=2"],
            "train.warmup_steps=4: must be less than the 4 steps of 2 epochs on 17 pairs",
        ),
        (["method=prefix", "method.rank=4"], "method.rank=4: is not used by method=prefix, only by lora; leave it out"),
        (
            ["method=prefix_gated", "method.query=unrotated"],
            "method.query=unrotated: is not used by method=prefix_gated, only by",
        ),
        (["method=finetune", "budget=0.1%"], "budget=0.1%: method=finetune has no size to choose; leave it out"),
        (["method=prompt", "budget=0.1%"], "budget=0.1%: method=prompt has no size to choose; leave it out"),
        (
            ["method=finetune_top", "method.layers=null"],
            "method.layers: is not set; method=finetune_top needs method.layers=NUMBER or budget=SHARE%",
        ),
        (
            ["method=finetune_top", "method.layers=0-14"],
            "method.layers=0-14: method=finetune_top trains layers from the top; give their number",
        ),
        (
            ["method=lora", "method.rank=4", "method.layers=0-14"],
            "method.layers=0-14: is not used by method=lora",
        ),
        (["method.layers=5-3"], "method.layers=5-3: must be a number of layers from the top, or FIRST-LAST"),
        (["train.keep=best", "train.eval_examples=0"], "train.keep=best: needs a development loss"),
        (
            ["train.targets_per_row=4", "train.batch_size=2"],
            "train.targets_per_row=4: must not be more than train.batch_size=2",
        ),
        (["decode=sample", "decode.beams=5"], "decode.beams=5: samples are drawn from the model, not searched for"),
        (["decode.top_k=5"], "decode.top_k=5: is only used by decode.sample=true; add it or leave decode.top_k out"),
        (["decode.seed=1"], "decode.seed=1: is only used by decode.sample=true"),
        (["distill.text=Do"], "distill.text=Do: is only used by train.objective=distill; add it or leave it out"),
        (["distill.file=a.txt"], "distill.file=a.txt: is only used by train.objective=distill"),
        (["distill.examples=2"], "distill.examples=2: is only used by train.objective=distill"),
        (
            ["train.objective=distill"],
            "train.objective=distill: does not say what the teacher reads; give distill.text=TEXT",
        ),
        (
            ["train.objective=distill", "method=prompt", "distill.text=Do"],
            "train.objective=distill: method=prompt trains nothing; leave it out, or take a method that trains",
        ),
        (
            ["train.objective=distill", "distill.text=Do", "distill.file=a.txt"],
            "distill.text=Do: distill.file gives the instruction too; give one of them",
        ),
        (
            ["train.objective=distill", "distill.text=Do", "train.label_smoothing=0.1"],
            "train.label_smoothing=0.1: smooths the targets, which train.objective=distill does not learn",
        ),
        (["task.instruction=Do"], "task.instruction=Do: is only used by model.layout=chat; add it"),
        (["decode.beams=2", "decode.outputs=3"], "decode.outputs=3: a beam search has at most decode.beams=2 outputs"),
        (["model=path"], "model.path: is not set; model.source=path needs model.path=DIR"),
        (["model.source=hub"], "model.hub: is not set; model.source=hub needs model.hub=NAME"),
        (["model.path=/x"], "model.path=/x: is not used by model.source=package; add model=path or leave it out"),
        (["model=tiny_gpt2", "model.hub=gpt2"], "model.hub=gpt2: is not used by model.source=random"),
    ],
)
def test_a_contradiction_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(overrides)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "overrides",
    [
        ["data_fraction=1.0", "train_size=10", "train.warmup_steps=0"],
        ["init=random", "init_words=null"],
        ["train.warmup_steps=4", "train.max_steps=5"],
        ["train.warmup_steps=3", "train_size=17", "train.batch_size=8", "train.accumulate=2", "train.epochs=2"],
        ["train.targets_per_row=2", "train.batch_size=2"],
        ["model=path", "model.path=/x"],
        ["decode=sample", "decode.temperature=0.7", "decode.top_k=5", "decode.seed=3", "decode.outputs=4"],
        ["train.objective=distill", "distill.text=Do", "distill.examples=2"],
        ["decode.beams=3", "decode.outputs=3", "decode.repetition_penalty=1.2"],
    ],
    ids=" ".join,
)
def test_what_does_not_contradict_is_taken(overrides: list[str]) -> None:
    compose(overrides)


@pytest.mark.parametrize("key", ["train.clip_norm", "train.adam_eps"])
def test_no_setting_is_larger_than_a_result_can_hold(key: str) -> None:
    """The run would end with a result that is refused; a learning rate as large diverges before."""
    assert LARGEST > 1e18
    with pytest.raises(ConfigError, match=rf"^{key}=1e\+19: is too large"):
        compose([f"{key}=1e19"])

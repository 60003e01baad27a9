"""What a teacher reads is what a discrete prompt has in front of each input."""

import pytest

import tiny_families
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.data import Pair
from prefixrun.errors import ConfigError
from prefixrun.methods import build, init_source
from prefixrun.methods.context import context_ids
from prefixrun.methods.init_source import context_source
from prefixrun.methods.prompt import EncoderPrompt, Prompt
from prefixrun.methods.teacher import TeacherContext, check_length, context_of
from prefixrun.models.batches import PairIds
from prefixrun.training.batch_loss import mean_kl
from prefixrun.training.distillation import Teacher

PAIRS = tuple(Pair(f"train-{number}", f"train-{number}", f"s{number}", f"t{number}") for number in range(6))
TEXT = "Name and food of a place to eat."
IDS = [PairIds((5, 6, 7, 256), (8, 9, 10, 256)), PairIds((5, 9, 256), (30, 31, 256))]


def config(*words: str) -> Config:
    return compose(["model=tiny_gpt2", "method=prefix_flat", "train.objective=distill", "distill.digest=x", *words])


def test_without_the_objective_there_is_no_teacher() -> None:
    assert context_of(compose(["model=tiny_gpt2"]), tiny_families.backbone_of("gpt2").tokenizer, "", PAIRS) is None


@pytest.mark.parametrize("family", ["gpt2", "llama", "bart"])
def test_the_instruction_and_the_examples_are_those_of_a_prompt(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    context = context_of(config("distill.examples=2"), backbone.tokenizer, TEXT, PAIRS)
    assert context is not None
    shown = [pair for pair in PAIRS if pair.id in context.examples]
    assert len(shown) == 2
    assert list(context.ids) == context_ids(backbone.tokenizer, TEXT, shown)
    assert context.description() == {"tokens": len(context.ids), "examples": [pair.id for pair in shown]}
    assert isinstance(context.method(backbone), EncoderPrompt if family == "bart" else Prompt)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_prefix_that_starts_from_the_teachers_text_is_the_teacher(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    context = context_of(config(), backbone.tokenizer, TEXT, ())
    assert context is not None
    teacher = Teacher(context.method(backbone), backbone)
    losses = []
    for text in (TEXT, TEXT[::-1]):
        asked = config("init=text", "init.digest=x", f"prefix_len={len(TEXT) + 1}")
        start = context_source(asked, backbone, text, ())
        student = build(asked, backbone)
        init_source.initialize(student, backbone, asked, start)
        losses.append(mean_kl(student.eval(), backbone, teacher, IDS))
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses[1] > 1e-3


def test_what_a_teacher_cannot_read_is_refused() -> None:
    gpt2, bart = tiny_families.backbone_of("gpt2"), tiny_families.backbone_of("bart")
    with pytest.raises(ConfigError, match=r"distill\.examples=7: there are 6 selected training pairs"):
        context_of(config("distill.examples=7"), gpt2.tokenizer, TEXT, PAIRS)
    with pytest.raises(ConfigError, match=r"the instruction that distill\.digest speaks of is not here"):
        context_of(config(), gpt2.tokenizer, "", PAIRS)
    for backbone, part in ((gpt2, "longest pair 513; tiny_gpt2 has 512"), (bart, "longest input 513; the encoder of")):
        room = 512 - (4 if backbone.is_seq2seq else 8)
        check_length(config(), backbone, TeacherContext((1,) * room), IDS)
        with pytest.raises(ConfigError, match=part):
            check_length(config("distill.text=Do"), backbone, TeacherContext((1,) * (room + 1)), IDS)

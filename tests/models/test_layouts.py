"""The layout of a model that nobody has told: from its configuration, before the run gets its id."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing

import tiny_families
from prefixrun.config.schema import ModelConfig
from prefixrun.models.backbone import load
from prefixrun.models.layouts import frame_of, layout_of
from prefixrun.models.tokenizer import BEGIN_ID, END_ID, PAD_ID, Frame, Tokenizer, byte_tokenizer
from prefixrun.runs import configure

AUTO = ModelConfig(name="mine", source="path", path="here", layout="auto")


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_the_configuration_says_the_layout(family: str, tmp_path: Path) -> None:
    tiny_families.configuration(family).save_pretrained(tmp_path)
    config = configure.compose(["model=path", f"model.path={tmp_path}", "method.mid_dim=4"])
    expected = "paper" if family in tiny_families.DECODER_ONLY else "bart" if family in tiny_families.BEGINS else "t5"
    assert config.model.layout == expected


def test_a_layout_of_the_users_stays(tmp_path: Path) -> None:
    tiny_families.configuration("llama").save_pretrained(tmp_path)
    assert configure.compose(["model=path", f"model.path={tmp_path}", "model.layout=lines"]).model.layout == "lines"


def test_a_directory_that_is_not_there_is_for_the_loader_to_refuse(tmp_path: Path) -> None:
    assert configure.compose(["model=path", f"model.path={tmp_path / 'no'}"]).model.layout == "auto"


def test_a_name_on_the_hub_that_is_not_here_is_for_the_loader_to_refuse() -> None:
    assert configure.compose(["model=hub", "model.hub=some/model-that-is-not-here"]).model.layout == "auto"


def test_a_cached_name_of_the_hub_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_families.configuration("t5").save_pretrained(tmp_path)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda **_: str(tmp_path / "config.json"))
    assert configure.compose(["model=hub", "model.hub=some/t5"]).model.layout == "t5"


def tokenizer(before: list[str], behind: list[str]) -> Any:
    """A tokenizer over bytes that frames a text by itself."""
    base: Any = byte_tokenizer("bart").base
    ids = {"<|end|>": END_ID, "<|begin|>": BEGIN_ID, "<|pad|>": PAD_ID}
    single = " ".join([*before, "$A", *behind])
    base.backend_tokenizer.post_processor = TemplateProcessing(
        single=single, special_tokens=[(name, ids[name]) for name in dict.fromkeys((*before, *behind))]
    )
    return base


@pytest.mark.parametrize(
    ("layout", "before", "behind", "start", "expected"),
    [
        ("bart", [], [], END_ID, None),  # nothing is written by itself
        ("bart", ["<|begin|>"], ["<|end|>"], END_ID, Frame((BEGIN_ID,), (END_ID,), END_ID)),  # BART
        ("bart", ["<|pad|>"], ["<|end|>"], END_ID, Frame((PAD_ID,), (END_ID,), END_ID)),  # a language: M2M-100
        ("t5", [], ["<|end|>"], PAD_ID, Frame((), (END_ID,), PAD_ID)),  # T5, Pegasus, Marian
        ("t5", [], ["<|end|>"], BEGIN_ID, Frame((), (END_ID,), BEGIN_ID)),  # Blenderbot
        ("t5", [], ["<|end|>", "<|begin|>"], 0, Frame((), (END_ID, BEGIN_ID), BEGIN_ID)),  # a language: mBART
        ("t5", [], ["<|end|>"], None, None),
        ("paper", ["<|begin|>"], [], None, None),
    ],
)
def test_special_tokens_are_those_of_the_tokenizer(
    layout: Any, before: list[str], behind: list[str], start: int | None, expected: Frame | None
) -> None:
    config = tiny_families.configuration("bart")
    config.decoder_start_token_id = start
    base = tokenizer(before, behind)
    frame = frame_of(base, layout, config)
    assert frame == expected
    if frame is None:
        return
    text = Tokenizer(base, layout, frame=frame)
    assert text.start == frame.start
    assert text.source("a") == [*frame.begin, ord("a") - 33, *frame.source_end] == base.encode("a")
    assert text.target("a") == [*frame.begin, ord("a") - 33, END_ID]


@pytest.mark.parametrize("family", ["bart", "pegasus", "qwen3"])
def test_a_directory_loads_without_being_told(family: str, tmp_path: Path) -> None:
    tiny_families.random_model(family).save_pretrained(tmp_path)
    base = byte_tokenizer("bart").base
    base.save_pretrained(tmp_path)  # type: ignore[attr-defined]
    backbone = load(ModelConfig(name="mine", source="path", path=str(tmp_path), layout="auto"))
    assert backbone.tokenizer.layout == layout_of(AUTO, backbone.model.config.to_dict())
    assert backbone.is_seq2seq is (family != "qwen3")

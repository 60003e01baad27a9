"""The layout of a model that nobody has told: from its configuration, before the run gets its id."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing

import tiny_families
from prefixrun.config.schema import ModelConfig
from prefixrun.models.layouts import first_of, frame_of, layout_of
from prefixrun.models.loading import load
from prefixrun.models.tokenizer import BEGIN_ID, CHAT_OF_BYTES, END_ID, PAD_ID, Frame, Tokenizer, byte_tokenizer
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


@pytest.mark.parametrize(
    "words", [("model=path", "model.path=not-here"), ("model=hub", "model.hub=some/model-that-is-not-here")]
)
def test_a_model_that_is_not_here_is_for_the_loader_to_refuse(words: tuple[str, ...]) -> None:
    assert configure.compose(words).model.layout == "auto"


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


FIRST = "<|begin|>"


@pytest.mark.parametrize(
    ("layout", "before", "behind", "expected"),
    [
        ("paper", [], [], ()),  # GPT-2
        ("lines", [], [], ()),  # SmolLM2
        ("lines", [FIRST], [], (BEGIN_ID,)),  # Llama 3, Gemma
        ("paper", ["<|end|>"], [], (END_ID,)),  # OPT
        ("lines", [FIRST], ["<|end|>"], (BEGIN_ID,)),  # what it ends a text with is the layout's to write
        ("chat", [FIRST], [], ()),
        ("bart", [FIRST], ["<|end|>"], ()),  # an encoder-decoder has a frame
    ],
)
def test_a_text_begins_as_its_tokenizer_begins_one(
    layout: Any, before: list[str], behind: list[str], expected: tuple[int, ...]
) -> None:
    assert first_of(tokenizer(before, behind), layout) == expected


def saved_llama(path: Path, before: list[str], template: str | None = None) -> Path:
    base = tokenizer(before, [])
    base.chat_template = template
    base.save_pretrained(path)
    tiny_families.random_model("llama").save_pretrained(path)
    return path


@pytest.mark.parametrize("layout", ["paper", "lines"])
def test_a_begin_token_stands_once_in_front_of_everything(layout: Any, tmp_path: Path) -> None:
    plain, framed = (
        load(ModelConfig(name="mine", source="path", path=str(path), layout=layout)).tokenizer
        for path in (saved_llama(tmp_path / "plain", []), saved_llama(tmp_path / "framed", [FIRST]))
    )
    assert framed.source("a") == [BEGIN_ID, *plain.source("a")]
    assert framed.base.encode(" a\n") == [BEGIN_ID, *plain.text(" a\n")]
    assert framed.target("a") == plain.target("a")
    assert replace(framed, max_source_tokens=3).source("abcdef") == [
        BEGIN_ID,
        *replace(plain, max_source_tokens=3).source("abcdef"),
    ]
    assert framed.output(framed.target("a")) == "a"


@pytest.mark.parametrize("writes_it", [True, False])
def test_a_chat_template_writes_the_begin_token_or_leaves_it_out(writes_it: bool, tmp_path: Path) -> None:
    template = ("{{ bos_token }}" if writes_it else "") + CHAT_OF_BYTES
    path = saved_llama(tmp_path, [FIRST], template)
    read = load(ModelConfig(name="mine", source="path", path=str(path), layout="chat")).tokenizer
    assert read.source("a").count(BEGIN_ID) == writes_it
    rendered = read.base.apply_chat_template(  # type: ignore[attr-defined]
        [{"role": "user", "content": "a"}], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    assert read.source("a") == list(rendered)

"""Chat templates: the frame around input and output, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import model_directories as cases
from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models import weights
from prefixrun.models.chat import chat_frame
from prefixrun.models.loading import load
from prefixrun.models.tokenizer import CHAT_OF_BYTES, byte_tokenizer

INSTRUCTION, SOURCE, TARGET = "Write one sentence:", "name : Aromi | food : {{ 7 * 7 }}", "Aromi is a pub."
END = "<|end|>"
TURNS = "{% for turn in messages %}"
PROMPT = "{% endfor %}{% if add_generation_prompt %}"
TEMPLATES = {
    "as tiny models": (
        CHAT_OF_BYTES,
        f"user: {INSTRUCTION}\n{SOURCE}{END}assistant: ",
        f"{TARGET}{END}",
    ),
    "a system's turn, and a line break behind each turn": (
        "system: help{{ eos_token }}\n"
        + TURNS
        + "{{ '[' + turn.role + ']\n' + turn.content + eos_token + '\n' }}"
        + PROMPT
        + "{{ '[assistant]\n' }}{% endif %}",
        f"system: help{END}\n[user]\n{INSTRUCTION}\n{SOURCE}{END}\n[assistant]\n",
        f"{TARGET}{END}",
    ),
    "texts are trimmed, and a blank before the end": (
        TURNS
        + "{% if turn.role == 'user' %}{{ '[INST] ' + turn.content|trim + ' [/INST]' }}"
        + "{% else %}{{ turn.content|trim + ' ' + eos_token }}{% endif %}{% endfor %}",
        f"[INST] {INSTRUCTION}\n{SOURCE} [/INST]",
        f"{TARGET} {END}",
    ),
    "no train of thought": (
        TURNS
        + "{{ turn.role + ' ' + turn.content + eos_token }}"
        + PROMPT
        + "a {% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}{% endif %}",
        f"user {INSTRUCTION}\n{SOURCE}{END}a <think></think>",
        f"{TARGET}{END}",
    ),
    "the date is the same every day": (
        "{{ strftime_now('%d %b %Y %B') }} " + TURNS + "{{ turn.content + eos_token }}{% endfor %}",
        f"26 Jul 2024 July {INSTRUCTION}\n{SOURCE}{END}",
        f"{TARGET}{END}",
    ),
}
"""Template, and the texts of a prompt and of a target in it."""
REFUSED = {
    "no template": (None, r"has no chat template, which model\.layout=chat needs; give model\.layout=lines"),
    "not a template": ("{% for %}", r"its chat template: .*; give model\.layout=lines"),
    "raises": ("{{ raise_exception('no users') }}", r"its chat template: .*no users"),
    "reaches for Python": ("{{ messages.__class__.__mro__ }}", r"its chat template: .*(unsafe|sandbox)"),
    "calls Python": ("{{ cycler.__init__.__globals__.os.system('true') }}", r"its chat template: .*(unsafe|sandbox)"),
    "without the input": ("hello", r"its chat template writes a text of a conversation 0 times instead of once"),
    "the input twice": (CHAT_OF_BYTES * 2, "writes a text of a conversation 2 times"),
    "capital letters": (CHAT_OF_BYTES.replace("turn.content", "turn.content|upper"), "0 times instead of once"),
    "no end": (CHAT_OF_BYTES.replace("eos_token", "'. '"), "ends an output with no special token"),
}


def templated(template: str | None) -> Any:
    base: Any = byte_tokenizer().base
    base.chat_template = template
    return base


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_pair_is_written_as_the_template_says(case: str) -> None:
    template, prompt, written = TEMPLATES[case]
    base = templated(template)
    tokenizer = replace(byte_tokenizer("chat"), base=base).of_task(INSTRUCTION, None)
    source, target = tokenizer.source(f" {SOURCE} "), tokenizer.target(f" {TARGET} ")
    assert base.decode(source) == prompt
    assert base.decode(target) == written
    assert tokenizer.output(target) == TARGET
    assert target[-1] == tokenizer.end
    assert tokenizer.end in tokenizer.special()


@pytest.mark.parametrize("case", REFUSED)
def test_a_template_that_cannot_be_used_is_refused(case: str) -> None:
    template, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message) as caught:
        chat_frame(templated(template), INSTRUCTION)
    assert "\n" not in str(caught.value)


def test_the_end_of_a_turn_need_not_be_the_end_of_a_text() -> None:
    base = templated(CHAT_OF_BYTES.replace("eos_token", "'<|turn|>'"))
    base.add_tokens(["<|turn|>"], special_tokens=True)
    tokenizer = replace(byte_tokenizer("chat"), base=base).of_task(None, None)
    assert tokenizer.end == base.convert_tokens_to_ids("<|turn|>") != base.eos_token_id
    assert tokenizer.target("a") == [*tokenizer.text("a"), tokenizer.end]
    assert tokenizer.output([*tokenizer.text("a"), base.eos_token_id, tokenizer.end, 65]) == "a"


def test_without_an_instruction_the_input_stands_alone() -> None:
    tokenizer = byte_tokenizer("chat")
    assert tokenizer.source("a") == tokenizer.of_task(None, None).source("a")
    assert tokenizer.base.decode(tokenizer.source("a")) == f"user: a{END}assistant: "


@pytest.mark.parametrize("limit", [1, 5, 40])
def test_only_the_input_is_cut(limit: int) -> None:
    whole = byte_tokenizer("chat").of_task(INSTRUCTION, None)
    cut = byte_tokenizer("chat").of_task(INSTRUCTION, limit)
    ids = whole.text(SOURCE)
    assert cut.source(SOURCE) == [*whole.source_begin, *ids[:limit], *whole.source_end]
    assert cut.cut_source(SOURCE)[1] == (limit < len(ids))


def test_a_directory_without_a_template_is_refused(copy: Callable[..., Path]) -> None:
    path = copy("tiny_llama")
    config = ModelConfig(name="local", source="path", path=str(path), layout="chat")
    with pytest.raises(ConfigError, match=r"model\.path=.*: its tokenizer has no chat template.*model\.layout=lines"):
        load(config)
    (path / "chat_template.jinja").write_text(CHAT_OF_BYTES)
    assert load(config).tokenizer.source("a") == byte_tokenizer("chat").source("a")
    cases.keys("tokenizer_config.json", chat_template=CHAT_OF_BYTES)(path)
    (path / "chat_template.jinja").unlink()
    assert load(config).tokenizer.source("a") == byte_tokenizer("chat").source("a")


@pytest.mark.needs(weights.PACKAGE)
@pytest.mark.slow
def test_the_ids_are_those_of_the_conversation_as_a_whole() -> None:
    """The GGUF file of the package carries the model's template."""
    tokenizer = load(ModelConfig(name="smollm2_135m", source="package", layout="chat")).tokenizer.of_task(
        INSTRUCTION, None
    )
    base: Any = tokenizer.base
    turns = [{"role": "user", "content": f"{INSTRUCTION}\n{SOURCE}"}, {"role": "assistant", "content": TARGET}]
    whole = base.apply_chat_template(turns, return_dict=False)
    prompt = base.apply_chat_template(turns[:1], return_dict=False, add_generation_prompt=True)
    assert tokenizer.source(SOURCE) == prompt
    assert [*prompt, *tokenizer.target(TARGET)] == whole[: len(whole) - len(tokenizer.text("\n"))]

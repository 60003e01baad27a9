"""The frame that a chat template puts around input and output, as token ids (model.layout=chat).

The template, which comes with a tokenizer, is rendered by transformers in its sandboxed environment, and by nothing
else. It is rendered for a conversation of markers, and what stands between them is the frame: so a text can neither
change the template's course nor be changed by it. Frame and texts are tokenised apart; with tokenizers that split at
line breaks and special tokens, which is where they meet, the ids are those of the rendered conversation as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefixrun.errors import ConfigError, reading

INPUT, OUTPUT = "markoftheinput", "markoftheoutput"
"""What stands for the texts while the template is rendered: letters alone, which no template changes."""
ADVICE = "give model.layout=lines, which needs none, or a tokenizer with another template"
_DAY = (("%d", "26"), ("%m", "07"), ("%b", "Jul"), ("%B", "July"), ("%y", "24"), ("%Y", "2024"))
FIXED_DAY = (
    "{%- macro strftime_now(form) -%}{{ form"
    + "".join(f"|replace('{code}', '{value}')" for code, value in _DAY)
    + " }}{%- endmacro -%}"
)
"""Before a template, in the place of the function that tells it today's date, or a run would depend on the day: Llama
3.2's own date when none is passed."""


@dataclass(frozen=True, slots=True)
class ChatFrame:
    """Token ids around the texts of one pair."""

    before: tuple[int, ...]
    """Up to the input: the system's turn where the template has one, the user's begin, and the instruction."""
    after: tuple[int, ...]
    """Behind the input: the end of the user's turn and the generation prompt, with which the model's turn begins."""
    end: tuple[int, ...]
    """Behind the output, up to the special token that ends the model's turn, which is the last one."""


def chat_frame(base: Any, instruction: str | None, label: str = "the tokenizer") -> ChatFrame:
    """The frame of a conversation in which the user gives an instruction with an input, and the model answers.

    base: a tokenizer of transformers. instruction: a line before the input; None for the input alone.

    Raises:
        ConfigError: begins with `label`: no template, one that cannot be rendered or does not write both texts as they
            are, or no special token behind the output.
    """
    if not getattr(base, "chat_template", None):
        raise ConfigError(f"{label} has no chat template, which model.layout=chat needs; {ADVICE}")
    what = f"{label}: its chat template"
    request = INPUT if instruction is None else f"{instruction.strip()}\n{INPUT}"
    turns = [{"role": "user", "content": request}]
    answered = [*turns, {"role": "assistant", "content": OUTPUT}]
    with reading(what, ADVICE, ConfigError):
        before, after = _around(_rendered(base, turns, add_generation_prompt=True), INPUT, what)
        _, behind = _around(_rendered(base, answered, add_generation_prompt=False), OUTPUT, what)
        ids = [_ids(base, text) for text in (before, after, behind)]
    special = {*base.all_special_ids, *base.get_added_vocab().values()}
    ends = [index for index, token in enumerate(ids[2]) if token in special]
    if not ends:
        raise ConfigError(
            f"{what} ends an output with no special token, so that nobody could say where it ends; {ADVICE}"
        )
    return ChatFrame(ids[0], ids[1], ids[2][: ends[0] + 1])


def _rendered(base: Any, turns: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
    text = base.apply_chat_template(
        turns,
        chat_template=FIXED_DAY + base.get_chat_template(),
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
        enable_thinking=False,  # read by Qwen 3 and SmolLM 3, whose outputs would begin with a train of thought
    )
    return str(text)


def _around(text: str, marker: str, what: str) -> tuple[str, str]:
    """What stands before and behind a marker, which must be there once."""
    if text.count(marker) != 1:
        raise ConfigError(
            f"{what} writes a text of a conversation {text.count(marker)} times instead of once; {ADVICE}"
        )
    before, _, behind = text.partition(marker)
    return before, behind


def _ids(base: Any, text: str) -> tuple[int, ...]:
    return tuple(base.encode(text, add_special_tokens=False)) if text else ()

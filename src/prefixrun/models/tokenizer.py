"""From text to token ids, as the paper's code builds its sequences.

GPT-2 (transformers' slow GPT-2 tokenizer): blank source blank END blank target blank END. The lone blanks before END
survive as separate tokens. The mean lengths of Table 1 (ACL version) confirm it: WebNLG 49.6 and 30.7. Models whose
tokenizer begins every text with a token of its own (Gemma, Llama 3) read it here too, in front of the source.

BART: the encoder reads BEGIN source END, without words that name the task; the decoder starts from END and predicts
BEGIN target END. That is the target as the tokenizer gives it, shifted right behind END (shift_tokens_right in
transformers' modeling_bart.py): BART was pre-trained like this, so the first token it writes is BEGIN.

T5: the encoder reads source END; the decoder starts from PAD and predicts target END (_shift_right in modeling_t5.py).

Chat: source and target are a user's turn and the model's, in the frame that the tokenizer's chat template puts around
them (chat.ChatFrame); END is then the token that ends the model's turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from tokenizers import Tokenizer as BackendTokenizer
from tokenizers import decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from prefixrun.models.chat import ChatFrame, chat_frame

Layout = Literal["paper", "lines", "chat", "bart", "t5"]
END_OF_BYTES, PAD_OF_BYTES, BEGIN_OF_BYTES = "<|end|>", "<|pad|>", "<|begin|>"
END_ID, PAD_ID, BEGIN_ID = 256, 257, 258
"""Ids of these three in `byte_tokenizer`, behind the 256 bytes."""
CHAT_OF_BYTES = (
    "{% for turn in messages %}{{ turn.role + ': ' + turn.content + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
"""The chat template of `byte_tokenizer`."""


class _Encoding(Protocol):
    """The part of a transformers tokenizer that is used here."""

    eos_token_id: int
    bos_token_id: int
    pad_token_id: int

    @property
    def all_special_ids(self) -> list[int]: ...

    def encode(self, text: str, add_special_tokens: bool = ...) -> list[int]: ...
    def decode(self, token_ids: list[int], skip_special_tokens: bool = ...) -> Any: ...
    def get_vocab(self) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens of an encoder-decoder's sequences, where its tokenizer and configuration name them."""

    begin: tuple[int, ...]
    """Before every input and output: BEGIN in BART, the language in M2M-100 and mBART-50."""
    source_end: tuple[int, ...]
    """Behind an input: END; in mBART the language too."""
    start: int
    """What the decoder reads first."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """The tokenizer of a backbone and the layout of its sequences (schema.ModelConfig.layout)."""

    base: _Encoding
    layout: Layout = "paper"
    max_source_tokens: int | None = None
    """Longer inputs lose their end (schema.TaskConfig.max_source_tokens)."""
    frame: Frame | None = None
    """Of an encoder-decoder; None for the tokens that its layout says."""
    chat: ChatFrame | None = None
    """Of the layout "chat", with the instruction of the task (`of_task`)."""
    first: tuple[int, ...] = ()
    """What a decoder-only model's tokenizer begins every text with by itself: BEGIN in Gemma and Llama 3, nothing in
    GPT-2 and SmolLM2. A chat template writes it where it belongs there."""

    def of_task(self, instruction: str | None, max_source_tokens: int | None) -> Tokenizer:
        """The tokenizer for a task's inputs. instruction: read in the layout "chat" alone. Raises as `chat_frame`."""
        chat = None if self.chat is None else chat_frame(self.base, instruction)
        return replace(self, max_source_tokens=max_source_tokens, chat=chat)

    @property
    def end(self) -> int:
        """Id of the token that ends a target: END, which in the paper's layout also separates it from its source
        (BOS = EOS in GPT-2)."""
        return int(self.base.eos_token_id) if self.chat is None else self.chat.end[-1]

    @property
    def start(self) -> int:
        """Id that the decoder of an encoder-decoder reads first: END in BART, PAD in T5."""
        if self.frame is not None:
            return self.frame.start
        return self.end if self.layout == "bart" else int(self.base.pad_token_id)

    def text(self, text: str) -> list[int]:
        """Ids of `text` alone, no special tokens."""
        return self.base.encode(text, add_special_tokens=False)

    def source(self, source: str) -> list[int]:
        """Ids of the prompt: the source, cut to `max_source_tokens`, and what separates it from the target."""
        return self.cut_source(source)[0]

    def cut_source(self, source: str) -> tuple[list[int], bool]:
        """Ids of the prompt, and whether they lack the end of the source."""
        if self.layout in ("paper", "lines"):
            ids = self.text(f" {source}{self._separator}")
        else:
            ids = self.text(source.strip() if self.layout == "chat" else source)
        separator, limit = self.text(self._separator), self.max_source_tokens
        is_cut = limit is not None and len(ids) - len(separator) > limit  # the separator does not count
        if is_cut:
            ids = [*ids[:limit], *separator]
        return [*self.source_begin, *ids, *self.source_end], is_cut

    @property
    def source_begin(self) -> list[int]:
        """Ids before an input."""
        return self.begin if self.chat is None else list(self.chat.before)

    @property
    def source_end(self) -> list[int]:
        """Ids behind an input and its separator."""
        if self.layout == "lines":
            return []
        if self.chat is not None:
            return list(self.chat.after)
        return [self.end] if self.frame is None else list(self.frame.source_end)

    @property
    def _separator(self) -> str:
        return {"lines": "\n", "paper": " "}.get(self.layout, "")

    def target(self, target: str) -> list[int]:
        """Ids that are predicted, END included."""
        if self.chat is not None:
            return [*self.text(target.strip()), *self.chat.end]
        begin = self.begin if self.for_encoder else []
        return [*begin, *self.text(f" {target} " if self.layout == "paper" else target), self.end]

    @property
    def for_encoder(self) -> bool:
        """Whether an encoder reads the sources."""
        return self.layout in ("bart", "t5")

    @property
    def begin(self) -> list[int]:
        """Ids that every sequence begins with: input and output of an encoder-decoder each, or both as one."""
        if self.frame is not None:
            return list(self.frame.begin)
        if self.first:
            return list(self.first)
        return [int(self.base.bos_token_id)] if self.layout == "bart" else []

    def output(self, ids: list[int]) -> str:
        """Text of generated ids: cut at END, tokenisation spaces cleaned up, stripped, on one line.

        The clean-up is that of transformers' decode(), which the paper's script calls. An output without text stays
        empty (the script writes the word Error instead).
        """
        if self.end in ids:
            ids = ids[: ids.index(self.end)]
        return clean_up(" ".join(str(self.base.decode(ids, skip_special_tokens=True)).split()))

    def special(self) -> list[int]:
        """Ids of the special tokens, such as END."""
        return sorted({*map(int, self.base.all_special_ids), self.end})

    def newlines(self) -> list[int]:
        """Ids of the tokens made of line breaks alone (byte-level BPE writes one as Ċ); in GPT-2 628 and 198, the
        two that the paper's decoding bans."""
        return sorted(index for token, index in self.base.get_vocab().items() if set(token) == {"Ċ"})


def clean_up(text: str) -> str:
    """Remove the space before . ? ! , and the English contractions, and both around a lone quote.

    The same replacements in the same order as transformers' clean_up_tokenization.
    """
    for spaced in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"):
        text = text.replace(spaced, spaced.strip())
    return text.strip()


def byte_tokenizer(layout: Layout = "paper") -> Tokenizer:
    """A tokenizer over the 256 bytes and the special tokens that a layout needs, for the tiny random models."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = BackendTokenizer(models.BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = {"eos_token": END_OF_BYTES}
    if layout in ("bart", "t5"):
        special["pad_token"] = PAD_OF_BYTES
    if layout == "bart":
        special["bos_token"] = BEGIN_OF_BYTES
    backend.add_special_tokens(list(special.values()))
    base = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
    if layout != "chat":
        return Tokenizer(base, layout)
    base.chat_template = CHAT_OF_BYTES
    return Tokenizer(base, layout, chat=chat_frame(base, None))

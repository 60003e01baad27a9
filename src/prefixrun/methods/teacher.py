"""What the teacher of train.objective=distill reads in front of each input: an instruction and examples, as a discrete
prompt has them (see `context`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefixrun.errors import ConfigError
from prefixrun.methods.context import context_ids, shown_pairs
from prefixrun.methods.prompt import EncoderPrompt, Prompt

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.data.example import Pair
    from prefixrun.methods.base import Method
    from prefixrun.models.backbone import Backbone
    from prefixrun.models.batches import PairIds
    from prefixrun.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class TeacherContext:
    """What stands in a teacher's context."""

    ids: tuple[int, ...]
    """Its tokens."""
    examples: tuple[str, ...] = ()
    """Ids of the training pairs that they show."""

    def method(self, backbone: Backbone) -> Method:
        """The tokens in front of each input of the backbone."""
        return EncoderPrompt(backbone, self.ids) if backbone.is_seq2seq else Prompt(backbone, self.ids)

    def description(self) -> dict[str, object]:
        """What a result says of it."""
        return {"tokens": len(self.ids), "examples": list(self.examples)}


def context_of(config: Config, tokenizer: Tokenizer, instruction: str, pairs: Sequence[Pair]) -> TeacherContext | None:
    """The context of the teacher; None where there is none. instruction: of distill, with its file read.

    pairs: the selected training pairs. Raises ConfigError for more examples than there are, for an instruction to a
    chat, and for a context without anything in it.
    """
    if config.train.objective != "distill":
        return None
    examples = config.distill.examples
    if instruction and tokenizer.chat is not None:
        raise ConfigError(
            f"{_key(config)}: with model.layout=chat the instruction stands in the user's turn (task.instruction), and "
            "no text is before it; give distill.examples=NUMBER alone"
        )
    if not instruction and not examples:
        raise ConfigError(
            "train.objective=distill: the instruction that distill.digest speaks of is not here; give "
            "distill.text=TEXT or distill.file=FILE"
        )
    shown = shown_pairs("distill.examples", examples, pairs, config.subsample_seed)
    ids = context_ids(tokenizer, instruction or None, shown)
    return TeacherContext(tuple(ids), tuple(pair.id for pair in shown))


def check_length(config: Config, backbone: Backbone, context: TeacherContext, pairs: Sequence[PairIds]) -> None:
    """Raise ConfigError for a context that leaves the model no room for one of the training or development pairs."""
    most = backbone.shape.context
    if most is None:
        return
    longest = max(len(pair.source) + (0 if backbone.is_seq2seq else len(pair.target)) for pair in pairs)
    if len(context.ids) + longest > most:
        what, reader = ("input", "the encoder of ") if backbone.is_seq2seq else ("pair", "")
        raise ConfigError(
            f"{_key(config)}: the teacher reads {len(context.ids):,} tokens in front of each input, and with the "
            f"longest {what} {len(context.ids) + longest:,}; {reader}{config.model.name} has {most:,} positions; give "
            "a shorter instruction or fewer distill.examples"
        )


def _key(config: Config) -> str:
    """The setting that makes most of the context, for messages."""
    distill = config.distill
    if distill.examples:
        return f"distill.examples={distill.examples}"
    return "distill.file" if distill.file else "distill.text"

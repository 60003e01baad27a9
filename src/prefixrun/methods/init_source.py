"""Initialisation of a prefix from a text of any length, from training pairs, and from another run's prefix.

That from prefix_len tokens is in `init`. Keys and values of a text in the context, as many positions as it has
tokens, are that text in the context: the model with such a prefix is the model that has read it. Of a longer text some
positions become the prefix, at positions of their own (models.repositioned).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.errors import ConfigError, shortened
from prefixrun.methods.context import context_ids, shown_pairs, text_ids
from prefixrun.methods.init import by_site
from prefixrun.models.repositioned import key_values_at

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.data.example import Pair
    from prefixrun.methods.base import Method, PrefixKeyValues
    from prefixrun.models.backbone import Backbone


@dataclass(frozen=True, slots=True)
class InitSource:
    """What a prefix is initialised from, with init=text, examples or run, or where prefixes are combined."""

    ids: tuple[int, ...] = ()
    """Tokens that stand in the context."""
    indices: tuple[int, ...] = ()
    """Which of them initialise the prefix, one for each position of it."""
    examples: tuple[str, ...] = ()
    """Ids of the training pairs that `ids` show."""
    trained: PrefixKeyValues | None = None
    """The prefix of another run, or the combined ones of several."""
    run: str | None = None
    """Its id, or theirs with + between them."""

    def key_values(self, backbone: Backbone) -> PrefixKeyValues:
        """The keys and values, by site."""
        if self.trained is not None:
            return self.trained
        if self.indices == tuple(range(len(self.ids))) or (
            not backbone.is_seq2seq and self.indices == tuple(range(len(self.indices)))
        ):
            # No token moves, and where tokens see what is before them alone the rest of the text need not be read.
            return by_site(backbone, list(self.ids[: len(self.indices)]))
        return key_values_at(backbone, self.ids, self.indices)

    def description(self) -> dict[str, object]:
        """What a result says of it."""
        if self.run is not None:
            return {"run": self.run}
        return {"tokens": len(self.ids), "positions": len(self.indices), "examples": list(self.examples)}


def context_source(config: Config, backbone: Backbone, text: str | None, pairs: Sequence[Pair]) -> InitSource | None:
    """The text or the selected training pairs that initialise a prefix; None for other initialisations.

    text: of init=text, with its file read. Raises ConfigError for a text that is empty, shorter than the prefix or
    longer than the model, and for more examples than there are pairs.
    """
    init, tokenizer = config.init, backbone.tokenizer
    if not METHOD_SPECS[config.method.name].has_init or init.name not in ("text", "examples"):
        return None
    shown: tuple[Pair, ...] = ()
    if init.name == "text":
        what = text_key(config)
        ids = text_ids(tokenizer, text or "")
    else:
        what = f"init.examples={init.examples}"
        shown = shown_pairs("init.examples", init.examples, pairs, config.subsample_seed)
        ids = context_ids(tokenizer, None, shown)
    check_text(config, backbone, what, ids)
    indices = chosen_indices(len(ids), config.prefix_len, init.positions)
    return InitSource(tuple(ids), indices, tuple(pair.id for pair in shown))


def text_key(config: Config) -> str:
    """The setting that gives the text of init=text, for messages."""
    init = config.init
    return f"init.file={shortened(init.file)}" if init.file else f"init.text={shortened(init.text, 40)}"


def check_text(config: Config, backbone: Backbone, what: str, ids: Sequence[int]) -> None:
    """Raise ConfigError for a text that cannot initialise a prefix of prefix_len."""
    context = backbone.shape.context
    if context is not None and len(ids) > context:
        raise ConfigError(
            f"{what}: {len(ids):,} tokens, and {config.model.name} reads at most {context:,}; give a shorter one"
        )
    if len(ids) < config.prefix_len:
        advice = "leave prefix_len out" if config.init.name == "text" else "more examples"
        raise ConfigError(
            f"{what}: {len(ids)} tokens for this model, and prefix_len={config.prefix_len}; give a longer text, "
            f"a shorter prefix, or {advice}"
        )


def chosen_indices(length: int, count: int, positions: str) -> tuple[int, ...]:
    """`count` of the indices 0, 1, ..., length - 1, ascending.

    positions: "first", "last", or "even": evenly spaced and the first index among them.
    """
    if positions == "first":
        return tuple(range(count))
    if positions == "last":
        return tuple(range(length - count, length))
    return tuple(number * length // count for number in range(count))


def initialize(method: Method, backbone: Backbone, config: Config, source: InitSource | None) -> float | None:
    """Initialise a method as `config.init` says. source: that of init=text, examples or run, else None.

    Returns the mean squared error that a fit left, None where nothing was fitted. Raises as Method.initialize.
    """
    if source is None:
        return method.initialize(backbone, config)
    from prefixrun.methods.prefix import Prefix

    assert isinstance(method, Prefix), f"method={config.method.name} cannot be initialised from keys and values"
    target = {site: tensor.to(backbone.head.device) for site, tensor in source.key_values(backbone).items()}
    return method.fit_to(target if source.trained is not None else method.of_layers(target), config.init)

"""What a text says that its input does not: names and numbers of the corpus that the input lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from prefixrun.metrics.base import FloatArray, Metric, References, prefixrun_scorer
from prefixrun.metrics.slots import plain_words

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = re.compile(r"[A-Z0-9]")
SHORTEST = 3
"""Letters and digits of a name that is looked for; shorter ones stand in other words of a text."""


@dataclass(frozen=True, slots=True)
class AddedNames(Metric):
    """WebNLG: names and numbers that an output has and its input does not, for each hundred inputs.

    Names are the subjects and objects of all triples of the release, training, development and test part, that have a
    capital letter or a digit; they are compared word for word, whatever the case. One inside another that the output
    has too counts once. Rough, as COVERAGE is: people add what they know (the references have 5.6 for each hundred
    unseen inputs), and what is in no triple of the release is not seen. Its "references" are the inputs. It is computed
    after a run (`results.score_later`), because scoring a part does not know the names of the release.
    """

    names_of_release: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return ("ADDED",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("inputs", "names")

    def prepare(self, references: References) -> list[tuple[str, ...]]:
        """For each input the names of the release that it does not have."""
        spaced = (text.replace("_", " ") for text in self.names_of_release if _NAME.search(text))
        known = dict.fromkeys(name for text in spaced if len(name := plain_words(text)) >= SHORTEST + 2)
        inputs = (plain_words(_CAMEL.sub(" ", source.replace("_", " "))) for (source,) in references)
        return [tuple(name for name in known if name not in text) for text in inputs]

    def count(self, output: str, segment: tuple[str, ...]) -> Sequence[int]:
        text = plain_words(output)
        added = [name for name in segment if name in text]
        return 1, sum(not any(name != other and name in other for other in added) for name in added)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        inputs, names = (float(total) for total in totals)
        return {"ADDED": 100 * names / inputs}

    def signature(self, name: str, references: References) -> str:
        return f"input:paper|names:{len(set(self.names_of_release))}|{prefixrun_scorer('added')}"

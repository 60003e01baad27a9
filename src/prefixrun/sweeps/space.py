"""What a search may choose: a key and its values in the grammar of Hydra's sweeps.

``train.lr=tag(log, interval(1e-4, 1e-1))``, ``train.warmup_steps=choice(0, 10, 20)``,
``prefix_len=int(interval(1, 40))``, ``prefix_len=range(5, 21, step=5)`` and ``method=prefix,prefix_flat``, as Hydra's
own sweeper for Optuna reads them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from prefixrun.config.setting_roles import repeats
from prefixrun.config.validate import is_whole_number
from prefixrun.errors import ConfigError, reading, shortened

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 3
"""Of a number that a search chooses: more say nothing, and make commands hard to read."""

NEAR_EDGE = 0.05
"""A best value in this share of its interval beside an end may have a better one beyond it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`, evenly or by their logarithm, all of them or in steps."""

    low: float
    high: float
    log: bool = False
    integer: bool = False
    step: float | None = None

    def distribution(self) -> BaseDistribution:
        """As Optuna has it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def text(self, value: Any) -> str:
        """A value as it is typed."""
        return str(int(value)) if self.integer else f"{float(f'{value:.{DIGITS}g}'):g}"

    def value(self, text: Any) -> float | None:
        """The number of a setting where it lies in the interval."""
        is_number = isinstance(text, int | float) and not isinstance(text, bool)
        return text if is_number and self.low <= text <= self.high else None

    def is_near_edge(self, text: str) -> bool:
        """Whether a chosen value lies so close to an end that a wider interval might hold a better one."""
        scale = math.log if self.log else float
        low, high, value = scale(self.low), scale(self.high), scale(float(text))
        return self.step is None and min(value - low, high - value) < NEAR_EDGE * (high - low)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, as they are typed."""

    values: tuple[str, ...]

    def distribution(self) -> BaseDistribution:
        """As Optuna has it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def text(self, value: Any) -> str:
        """A value as it is typed."""
        return str(value)

    def value(self, text: Any) -> str | None:
        """The value of a setting where it is one of these."""
        typed = f"{text:g}" if isinstance(text, float) else str(text)
        return typed if typed in self.values else None

    def is_near_edge(self, text: str) -> bool:
        """Values without an order have no edge."""
        return False


Space = Mapping[str, Interval | Choice]
"""Key → what may be chosen for it."""


def separated(overrides: Sequence[str]) -> tuple[list[str], Space]:
    """The overrides with one value, and those that a search chooses from. Raises ConfigError for the latter.

    What is wrong with the former is for the composition of the configuration to say.
    """
    parser = OverridesParser.create()
    fixed, space = [], {}
    for text in overrides:
        try:
            with reading(text, "", ConfigError):
                (override,) = parser.parse_overrides([text])
        except ConfigError:
            if text.partition("=")[2].lstrip().startswith(("interval", "tag", "choice", "range", "log", "int")):
                raise ConfigError(f"{shortened(text)}: cannot be read; {_GRAMMAR}") from None
            fixed.append(text)
            continue
        if override.is_sweep_override():
            space[override.key_or_group] = _range_of(override, text)
        else:
            fixed.append(text)
    if chance := sorted(space.keys() & set(repeats())):
        raise ConfigError(f"{chance[0]}: a search does not choose among seeds; give one value")
    return fixed, space


_GRAMMAR = "write KEY=tag(log,interval(LOW,HIGH)), KEY=interval(LOW,HIGH), KEY=choice(A,B) or KEY=range(START,STOP)"


def _range_of(override: Override, text: str) -> Interval | Choice:
    key, value = str(override.key_or_group), override.value()
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        is_log = "log" in value.tags
        if low is None or high is None or not low < high or (is_log and low <= 0):
            bounds = "two numbers above zero, the smaller first" if is_log else "two numbers, the smaller first"
            raise ConfigError(f"{shortened(text)}: an interval has {bounds}")
        is_integer = is_whole_number(key) or (isinstance(low, int) and isinstance(high, int))
        return Interval(low, high, is_log, is_integer)
    with reading(text, _GRAMMAR, ConfigError):
        values = tuple(override.sweep_string_iterator())
        if not values:
            raise ConfigError(f"{shortened(text)}: there is no such value")
        if isinstance(value, RangeSweep) and len(values) > 1:
            numbers, step = sorted(map(float, values)), abs(float(value.step))
            low, high = numbers[0], numbers[-1]
            is_integer = all(isinstance(number, int) for number in (value.start, value.stop, value.step))
            return Interval(low, high, False, is_integer, step)
    return Choice(values)

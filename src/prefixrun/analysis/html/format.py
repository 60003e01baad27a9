"""Numbers as people read them; – where they were not measured."""

from __future__ import annotations

from prefixrun.console import NONE


def number(amount: float | None, decimals: int = 0) -> str:
    """With separators of thousands, and a real minus."""
    return NONE if amount is None else f"{amount:,.{decimals}f}".replace("-", "−")


def change(amount: float | None) -> str:
    """With its sign and three decimals."""
    return NONE if amount is None else f"{amount:+.3f}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """In the unit that suits it."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.{1 if seconds < 10 else 0}f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"


def memory(amount: float | None) -> str:
    """Bytes as MiB or GiB."""
    if amount is None:
        return NONE
    return f"{amount / 2**20:,.0f} MiB" if amount < 2**30 else f"{amount / 2**30:,.2f} GiB"


def share(part: float | None, whole: float | None) -> str:
    """Per cent, two digits of those that are below one."""
    if part is None or not whole:
        return NONE
    percent = 100 * part / whole
    return f"{percent:.2g} %" if percent < 1 else f"{percent:,.1f} %"


def pairs(seen: int, n_train: int) -> str:
    """Training pairs that a schedule gets to, and of how many where these are more."""
    return number(seen) if seen == n_train else f"{number(seen)} of {number(n_train)}"


def day(time: object) -> str:
    """A time of a record, such as 2026-11-24T09:47:05+00:00, to the minute."""
    return f"{str(time)[:10]} {str(time)[11:16]} UTC" if time else NONE

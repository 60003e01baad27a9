"""Ctrl-C and SIGTERM wait for the end of a step, so that what is saved then is whole."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from prefixrun.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTICE = b"\nstopping when the step or batch under way is done; a second time stops at once\n"


class Pending:
    """The signal that came, if one did."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    def end_if_set(self) -> None:
        """Raise Interrupted after a block in which a signal came, for handlers that do not end the program."""
        if self:
            raise Interrupted("interrupted; run the same command again to resume")


@contextmanager
def deferred(*, every: bool = False) -> Iterator[Pending]:
    """Hold back the first interruption; the handlers that were there before receive it when the block ends.

    The code in the block asks for it between steps (`if pending: save and leave`). A second one is let through at
    once, unless `every` is held back: torchrun passes on a Ctrl-C that the processes have got already. Ignored signals
    stay ignored. Outside the main thread, where Python handles no signals, nothing is held back.
    """
    pending = Pending()
    if threading.current_thread() is not threading.main_thread():
        yield pending
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    # A shell's background job ignores SIGINT, and what nobody receives at the end must not stop the work before it.
    before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def remember(number: int, _frame: FrameType | None) -> None:
        pending.number = number
        if not every:
            restore()
            os.write(2, NOTICE)  # print() may be what the signal has interrupted

    for number in before:
        signal.signal(number, remember)
    try:
        yield pending
    except Exception:  # what ends one run, such as a divergence, must not hide that all should end
        restore()
        if pending.number is not None:
            signal.raise_signal(pending.number)
        raise
    finally:
        restore()
    if pending.number is not None:
        signal.raise_signal(pending.number)

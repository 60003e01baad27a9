"""Interruptions are held back until a step is done, and reach who waited for them before."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from prefixrun.training.interrupts import SIGNALS, deferred


@pytest.fixture(params=SIGNALS)
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def received(number: int) -> Iterator[list[int]]:
    """What a handler that was there before gets to see."""
    seen: list[int] = []
    before = signal.signal(number, lambda got, _frame: seen.append(got))
    yield seen
    signal.signal(number, before)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_a_signal_waits_for_the_end_of_the_block(number: int, received: list[int]) -> None:
    handler = signal.getsignal(number)
    with deferred() as pending:
        assert not pending
        send(number)
        assert pending
        assert pending.number == number
        assert received == []
    assert received == [number]
    assert signal.getsignal(number) is handler


def test_a_second_signal_is_let_through_at_once(number: int, received: list[int]) -> None:
    with deferred():
        send(number)
        send(number)
        assert received == [number]
    assert received == [number, number]


def test_every_signal_can_be_held_back(number: int, received: list[int]) -> None:
    with deferred(every=True) as pending:
        send(number)
        send(number)
        assert (received, pending.number) == ([], number)
    assert received == [number]


def test_nothing_happens_without_a_signal(number: int, received: list[int]) -> None:
    handler = signal.getsignal(number)
    with deferred() as pending:
        pass
    assert (received, bool(pending), signal.getsignal(number)) == ([], False, handler)


def test_handlers_come_back_when_the_block_fails(number: int, received: list[int]) -> None:
    handler = signal.getsignal(number)
    with pytest.raises(KeyError), deferred():
        raise KeyError
    assert signal.getsignal(number) is handler


def test_a_signal_is_not_lost_when_the_block_fails(number: int, received: list[int]) -> None:
    with pytest.raises(KeyError), deferred():  # noqa: PT012
        send(number)
        raise KeyError
    assert received == [number]


def test_ctrl_c_in_a_block_that_fails_is_a_keyboard_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), deferred():  # noqa: PT012
        send(signal.SIGINT)
        raise KeyError


def test_ctrl_c_is_a_keyboard_interrupt_after_the_block() -> None:
    after_signal = False
    with pytest.raises(KeyboardInterrupt), deferred():  # noqa: PT012
        send(signal.SIGINT)
        after_signal = True
    assert after_signal


def test_an_ignored_signal_stays_ignored(number: int) -> None:
    """`nohup` and shells that start background jobs ignore signals: such a run must not stop half-way and go on as if
    it were done."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with deferred() as pending:
            send(number)
            assert not pending
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_another_thread_leaves_signals_alone() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    seen: list[object] = []

    def work() -> None:
        with deferred() as pending:
            seen.append(bool(pending))
            seen.append([signal.getsignal(number) for number in SIGNALS] == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, True]

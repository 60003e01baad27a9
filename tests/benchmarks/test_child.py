import os

import pytest
from benchmarks.child import child, in_child


def test_a_child_keeps_its_object_between_calls_and_raises_here_what_is_raised_there() -> None:
    with child(list, [1]) as kept:
        kept.call("append", 2)
        assert kept.call("copy") == [1, 2]
        with pytest.raises(ValueError, match="99 is not in list"):
            kept.call("index", 99)
        assert kept.call("copy") == [1, 2]


def test_its_memory_is_its_own() -> None:
    block = 300_000_000
    with child(bytearray, block) as large, child(bytearray, 1) as small:
        large.call("reverse")  # touches every page
        assert small.peak_memory() < block < large.peak_memory()


def test_a_function_runs_in_another_process() -> None:
    assert in_child(os.getpid) != os.getpid()

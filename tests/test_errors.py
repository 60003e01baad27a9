"""The mechanism that turns what libraries raise into one message."""

import pytest

from prefixrun.errors import ConfigError, DataError, PrefixrunError, reading, shortened


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no\nnumber"), "ValueError: no number"),
        (FileNotFoundError(2, "No such file or directory"), "cannot be read (No such file or directory)"),
        (OSError("a reason alone"), "cannot be read (a reason alone)"),
        (MemoryError(), "needs more memory than there is"),
        (KeyError("x" * 1000), "KeyError: '" + "x" * 199 + "… (802 characters more)"),
    ],
)
def test_what_a_library_raises_becomes_one_message(error: Exception, reason: str) -> None:
    with pytest.raises(ConfigError) as caught, reading("a.json", "write it again", ConfigError):
        raise error
    assert str(caught.value) == f"a.json: {reason}; write it again"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [DataError("ours"), PrefixrunError("ours"), KeyboardInterrupt()])
def test_own_errors_and_interruptions_pass_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reading("a.json", "write it again", ConfigError):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("value", "text"), [(" a \n b\t", "a b"), (12, "12"), ("x" * 12, "xxxxxxxxxx… (2 characters more)")]
)
def test_shortened(value: object, text: str) -> None:
    assert shortened(value, 10) == text

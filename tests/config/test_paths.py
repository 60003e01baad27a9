"""Texts that can be no path, and where the cache is."""

from pathlib import Path

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.paths import cache_directory, wrong_path
from prefixrun.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("caf\udce9", "has bytes in it that are not UTF-8"),
        ("a\0b", "has a zero byte in it"),
        ("x" * 256, "a name has at most 255 bytes"),
        ("é" * 128, "a name has at most 255 bytes"),
        ("/".join(["x" * 200] * 30), "and a path 4000"),
        ("~nosuchuser/x", "there is no home directory of ~nosuchuser"),
    ],
)
def test_what_can_be_no_path(text: str, problem: str) -> None:
    assert problem in str(wrong_path(text))


@pytest.mark.parametrize("text", ["results", "/a b/ü", "x" * 255, "../x", "a~b"])
def test_what_can_be_a_path(text: str) -> None:
    assert wrong_path(text) is None


@pytest.mark.parametrize("key", ["results_dir", "data_dir"])
def test_the_keys_of_paths_are_checked(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}=~nosuchuser/x: there is no home directory"):
        compose([f"{key}='~nosuchuser/x'"])


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_directory() == Path("/somewhere/prefixrun")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/me")
    assert cache_directory() == Path("/me/.cache/prefixrun")

"""What is said of an exception that nobody expected."""

from pathlib import Path

import pytest

from prefixrun.cli.defects import describe_defect
from prefixrun.errors import ConfigError


def a_defect() -> Exception:
    try:
        raise ZeroDivisionError("one\nline " + "x" * 1000)
    except ZeroDivisionError as error:
        return error


def test_the_traceback_goes_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    line = describe_defect(a_defect())
    assert line.startswith("a defect of the program: ZeroDivisionError: one line xxx")
    assert len(line) < 500
    assert "\n" not in line
    (file,) = (tmp_path / "prefixrun").iterdir()
    assert line.endswith(str(file))
    assert "in a_defect" in file.read_text()


def test_without_a_cache_it_goes_to_the_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cache() -> Path:
        raise ConfigError("XDG_CACHE_HOME: cannot be written")

    monkeypatch.setattr("prefixrun.cli.defects.make_cache_directory", no_cache)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert describe_defect(a_defect()).endswith(str(next(tmp_path.glob("prefixrun-traceback-*"))))


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "gone"))
    assert describe_defect(a_defect()).endswith("its traceback could not be written")

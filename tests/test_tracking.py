"""Which trackers there are, and what a missing one is met with."""

from importlib.machinery import ModuleSpec

import pytest

from prefixrun import tracking
from prefixrun.errors import ConfigError, MissingPartError
from prefixrun.runs.configure import compose


def test_names() -> None:
    assert tracking.names("none") == ()
    assert tracking.names("mlflow+tensorboard+mlflow") == ("mlflow", "tensorboard")
    assert compose(["tracker=mlflow+trackio"]).tracker == "mlflow+trackio"


@pytest.mark.parametrize("value", ["comet", "none+mlflow", "mlflow+", ""])
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="tracker"):
        compose([f"tracker={value}"])


@pytest.mark.parametrize("name", tracking.KINDS)
@pytest.mark.parametrize("found", [None, ModuleSpec("a directory without a package", None)])
def test_a_library_that_is_not_installed_is_refused(
    name: str, found: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda package: found)
    with pytest.raises(MissingPartError) as caught:
        tracking.refuse_missing(name)
    assert str(caught.value).endswith(f"pip install 'prefixrun[{name}]', or leave it out")
    tracking.refuse_missing("none")

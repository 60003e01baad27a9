"""Runs in the experiment trackers that people use: `tracker=tensorboard`, `wandb`, `mlflow`, `trackio`, or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from prefixrun.errors import MissingPartError
from prefixrun.tracking.tracker import Opener

NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the trackers."""

    package: str
    """What is imported of it."""
    opener: str
    """The class in a module of this package that sends to it, imported when it is used."""


KINDS: Mapping[str, Kind] = {
    "tensorboard": Kind("tensorboard", "prefixrun.tracking.to_tensorboard:ToTensorboard"),
    "wandb": Kind("wandb", "prefixrun.tracking.to_wandb:ToWandb"),
    "mlflow": Kind("mlflow", "prefixrun.tracking.to_mlflow:ToMlflow"),
    "trackio": Kind("trackio", "prefixrun.tracking.to_trackio:ToTrackio"),
}
"""By the name in `tracker=` and of the extra in pyproject.toml."""


def names(setting: str) -> tuple[str, ...]:
    """The trackers of a setting such as `tensorboard+mlflow`, each once; none for `none`."""
    return () if setting == NONE else tuple(dict.fromkeys(setting.split("+")))


def refuse_missing(setting: str) -> None:
    """Raise MissingPartError for a tracker whose library is not installed."""
    for name in names(setting):
        package = KINDS[name].package
        spec = find_spec(package)
        # A directory such as wandb/, which wandb itself leaves, is found too where it stands first in the path.
        if spec is None or spec.origin is None:
            raise MissingPartError(
                f"tracker={setting}: needs the package {package}: pip install 'prefixrun[{name}]', or leave it out"
            )


def opener(name: str) -> Opener:
    """What opens a run in a tracker; importing it imports the library."""
    module, _, attribute = KINDS[name].opener.partition(":")
    return cast(Opener, getattr(import_module(module), attribute))

"""Where the configuration files lie and which choices they offer."""

from pathlib import Path

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.errors import MissingPartError


def conf_dir() -> Path:
    """The directory ``conf/``: inside the installed package, or at the top of the checkout."""
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "conf", package.parents[1] / "conf"):
        if (directory / "config.yaml").is_file():
            return directory
    raise MissingPartError(f"{package / 'conf'}: the configuration files are not there; install prefixrun again")


def groups(extra: Path | None = None) -> dict[str, list[str]]:
    """Group -> its choices in alphabetical order, from ``conf/`` and from a directory of the user's own.

    Every method is a choice, with a file or without. Hydra's own groups are left out: their plugins bring further
    choices. No group lies deeper than two directories, and a directory of the user's own may hold anything."""
    choices_of = {"method": set(METHOD_SPECS)}
    for root in (conf_dir(), *([extra] if extra else [])):
        for file in (*root.glob("*/*.yaml"), *root.glob("*/*/*.yaml")):
            group = file.parent.relative_to(root).as_posix()
            if not group.startswith("hydra/"):
                choices_of.setdefault(group, set()).add(file.stem)
    return {group: sorted(choices) for group, choices in sorted(choices_of.items())}

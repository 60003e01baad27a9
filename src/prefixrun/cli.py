"""The command ``prefixrun``: a run or a sweep through Hydra, or one of the verbs.

Nothing here imports torch or transformers; a run does, once its configuration is known to be right.
"""

import os
import signal
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from prefixrun import SEMANTICS, __version__
from prefixrun.errors import ConfigError, Interrupted, PrefixrunError
from prefixrun.validate import closest
from prefixrun.verbs import VERBS, named
from prefixrun.verbs import run as run_verb


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or the code of the error that ended it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _sigterm_ends_the_program():
            code = _dispatch(given)
            sys.stdout.flush()
            return code
    except PrefixrunError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(Interrupted("interrupted; run the same command again to resume"))
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); the interpreter's last flush must not fail on it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else ""
    if verb := named(arguments):
        return run_verb(verb, arguments[len(verb.split()) :])
    if first and "=" not in first and not first.startswith("-"):
        close = closest(first, tuple(VERBS))
        hint = f"did you mean {close}?" if close else f"the verbs are {', '.join(VERBS)}"
        raise ConfigError(f"{first}: is neither key=value nor a verb; {hint}")
    if {"-h", "--help"} & set(arguments):
        from prefixrun.manual import manual

        print(manual(), end="")
        return 0
    if arguments == ["--version"]:
        print(f"prefixrun {__version__} (semantics {SEMANTICS})")
        return 0
    return _hydra(arguments)


def _report(error: PrefixrunError) -> int:
    print(f"prefixrun: {error}", file=sys.stderr)
    return error.exit_code


def _hydra(arguments: list[str]) -> int:
    """Check the command line, then let Hydra run it; the first exit code that is not 0, if there is one."""
    from hydra._internal.utils import get_args_parser

    from prefixrun import compose

    options = get_args_parser().parse_intermixed_args(arguments)
    flags = _without(arguments, options.overrides)
    if options.config_path or options.config_name:
        raise ConfigError(
            "--config-path, --config-name: the files of prefixrun stay; add your own with --config-dir DIR"
        )
    if not options.shell_completion:
        _check(options)
    with tempfile.TemporaryDirectory(prefix="prefixrun-") as scratch:
        # Hydra's sweeper leaves a file in the sweep's directory; runs keep their own records, so it goes here.
        overrides = [*options.overrides, f"hydra.sweep.dir='{scratch}'"] if options.multirun else options.overrides
        return _run_hydra([*flags, *overrides], compose.VERSION_BASE)


def _check(options: Namespace) -> None:
    from prefixrun import compose

    config_dir = Path(options.config_dir) if options.config_dir else None
    if options.cfg or options.info or options.hydra_help:
        compose.check_keys(options.overrides, multirun=options.multirun, config_dir=config_dir)
    else:
        compose.configurations(options.overrides, multirun=options.multirun, config_dir=config_dir)


def _run_hydra(arguments: list[str], version_base: str) -> int:
    import hydra
    from omegaconf import DictConfig

    from prefixrun import compose
    from prefixrun.conf_tree import conf_dir

    codes = []

    def job(composed: DictConfig) -> None:
        # Hydra would print a traceback for an error of the user; a sweep goes on with its other runs.
        from prefixrun.experiment import run

        try:
            codes.append(run(compose.from_hydra(composed)))
        except Interrupted as error:
            raise SystemExit(_report(error)) from error
        except PrefixrunError as error:
            codes.append(_report(error))

    compose.register_schema()
    before, sys.argv = sys.argv, ["prefixrun", *arguments]
    try:
        hydra.main(config_path=str(conf_dir()), config_name=compose.CONFIG_NAME, version_base=version_base)(job)()
    finally:
        sys.argv = before
    return next((code for code in codes if code), 0)


def _without(arguments: list[str], overrides: list[str]) -> list[str]:
    """The options among the arguments: Hydra reads overrides only when they stand together, so options go first."""
    rest = list(arguments)
    for override in overrides:
        rest.remove(override)
    return rest


@contextmanager
def _sigterm_ends_the_program() -> Iterator[None]:
    """Let SIGTERM unwind the program as Ctrl-C does, with its own exit code, so that locks and files are released."""

    def end(number: int, _frame: FrameType | None) -> None:
        print("prefixrun: terminated; run the same command again to resume", file=sys.stderr)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

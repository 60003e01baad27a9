"""The command ``prefixrun``: a run, a sweep, or one of the verbs.

Nothing here imports torch or transformers; a run does, once its configuration is known to be right.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from prefixrun import SEMANTICS, __version__
from prefixrun.cli.commands import VERBS, named
from prefixrun.cli.commands import run as run_verb
from prefixrun.config.validate import closest
from prefixrun.errors import BROKEN_PIPE_EXIT_CODE, ConfigError, Interrupted, PrefixrunError


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
        return BROKEN_PIPE_EXIT_CODE


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else ""
    if verb := named(arguments):
        return run_verb(verb, arguments[len(verb.split()) :])
    if first and "=" not in first and not first.startswith("-"):
        close = closest(first, tuple(VERBS))
        hint = f"did you mean {close}?" if close else f"the verbs are {', '.join(VERBS)}"
        raise ConfigError(f"{first}: is neither key=value nor a verb; {hint}")
    if {"-h", "--help"} & set(arguments):
        from prefixrun.cli.help import manual

        print(manual(), end="")
        return 0
    if arguments == ["--version"]:
        print(f"prefixrun {__version__} (semantics {SEMANTICS})")
        return 0
    return _hydra(arguments)


def _report(error: PrefixrunError) -> int:
    from prefixrun.console import print_error

    print_error(f"prefixrun: {error}")
    return error.exit_code


def _hydra(arguments: list[str]) -> int:
    """A run, a sweep, or one of Hydra's own answers (--cfg, --info, shell completion)."""
    from hydra._internal.utils import get_args_parser

    from prefixrun.config import compose
    from prefixrun.runs import configure

    options = get_args_parser().parse_intermixed_args(arguments)
    if options.config_path or options.config_name:
        raise ConfigError(
            "--config-path, --config-name: the files of prefixrun stay; add your own with --config-dir DIR"
        )
    config_dir = Path(options.config_dir) if options.config_dir else None
    if options.shell_completion or options.cfg or options.info or options.hydra_help:
        if not options.shell_completion:
            compose.check_keys(options.overrides, multirun=options.multirun, config_dir=config_dir)
        return _answer([*_without(arguments, options.overrides), *options.overrides])
    if options.multirun:
        return _sweep(options.overrides, config_dir)
    config = configure.compose(options.overrides, config_dir=config_dir)
    from prefixrun.cli.run_command import run

    return run(config)


def _sweep(overrides: list[str], config_dir: Path | None) -> int:
    from prefixrun.cli.run_command import refuse_several
    from prefixrun.runs import configure
    from prefixrun.sweeps.execute import sweep
    from prefixrun.sweeps.launchers import launcher
    from prefixrun.sweeps.plan import plan_jobs

    refuse_several()
    points = configure.sweep_points(overrides, config_dir=config_dir)
    launch = launcher(overrides, config_dir)
    return sweep(plan_jobs(points), launch)


def _answer(arguments: list[str]) -> int:
    """Let Hydra print what it was asked for."""
    import hydra

    from prefixrun.config import compose
    from prefixrun.config.conf_tree import conf_dir

    compose.register_schema()
    before, sys.argv = sys.argv, ["prefixrun", *arguments]
    try:
        answer = hydra.main(
            config_path=str(conf_dir()), config_name=compose.CONFIG_NAME, version_base=compose.VERSION_BASE
        )
        answer(lambda _: None)()
    finally:
        sys.argv = before
    return 0


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
        from prefixrun.console import print_error

        print_error("prefixrun: terminated; run the same command again to resume")
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""The command ``prefixrun``: a run, a sweep, or one of the verbs.

Nothing here imports torch or transformers; a run does, once its configuration is known to be right.
"""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from types import FrameType

from prefixrun.cli.arguments import OptionParser
from prefixrun.cli.commands import run as run_verb
from prefixrun.cli.plain_output import print_plain
from prefixrun.cli.verbs import VERBS, named
from prefixrun.config.schema import Config
from prefixrun.config.validate import closest
from prefixrun.errors import (
    BROKEN_PIPE_EXIT_CODE,
    DEFECT_EXIT_CODE,
    ConfigError,
    DiskFullError,
    Interrupted,
    PrefixrunError,
    reading,
    shortened,
    writing_output,
)
from prefixrun.runs.version import SEMANTICS, __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or the code of the error that ended it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _check_streams()
        with _sigterm_ends_the_program():
            code = _dispatch(words)
            with writing_output():
                sys.stdout.flush()
            return code
    except DiskFullError as error:
        _leave_output()
        return _report(error)
    except PrefixrunError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(Interrupted("interrupted; run the same command again to resume"))
    except BrokenPipeError:
        _leave_output()
        return BROKEN_PIPE_EXIT_CODE
    except Exception as error:  # noqa: BLE001 - the only place that ends the program for what nobody expected
        from prefixrun.cli.defects import describe_defect
        from prefixrun.console import print_error

        print_error(f"prefixrun: {describe_defect(error)}")
        return DEFECT_EXIT_CODE


def _check_streams() -> None:
    """Raises DiskFullError where standard output is closed; a closed standard error is replaced by one without readers.

    The system gives the number of a closed stream to the next file that is opened, which would then receive whatever
    a library prints.
    """
    if sys.stderr is None:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
    if sys.stdout is None:
        raise DiskFullError("standard output: is closed; give it a terminal, a pipe or a file")


def _leave_output() -> None:
    """Write no more to standard output: the interpreter's last flush must not fail on it."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _hint(first: str, rest: list[str]) -> str:
    """What may be meant by a first word that is none of the command's."""
    if first == "run":
        return "leave it out: settings alone are a run, as in `prefixrun task=e2e`"
    if first in Config.__dataclass_fields__ and rest and not rest[0].startswith("-"):
        return f"did you mean {first}={shortened(rest[0])}?"
    close = closest(first, tuple(VERBS))
    return f"did you mean {close}?" if close else f"the verbs are {', '.join(VERBS)}"


def _dispatch(arguments: list[str]) -> int:
    with reading("the working directory", "change to one that is there", ConfigError):
        os.getcwd()
    first = arguments[0] if arguments else ""
    if verb := named(arguments):
        return run_verb(verb, arguments[len(verb.split()) :])
    if first and "=" not in first and not first.startswith("-"):
        raise ConfigError(f"{shortened(first)}: is neither key=value nor a verb; {_hint(first, arguments[1:])}")
    for before, argument in pairwise(arguments):
        if argument in VERBS and not before.startswith("-"):  # which may be a directory of this name
            raise ConfigError(f"{argument}: is a verb, which stands first: prefixrun {argument} ...")
    if {"-h", "--help"} & set(arguments):
        from prefixrun.cli.help import manual

        print_plain(manual())
        return 0
    if not arguments:
        from prefixrun.cli.help import short_help

        print_plain(short_help())
        return 0
    if "--version" in arguments:
        print_plain(f"prefixrun {__version__} (semantics {SEMANTICS})\n")
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

    parser = OptionParser(parents=[get_args_parser()], add_help=False)
    parser.add_argument("--all-rows", action="store_true")
    options = parser.parse_intermixed_args(arguments)
    if options.config_path or options.config_name:
        raise ConfigError(
            "--config-path, --config-name: the files of prefixrun stay; add your own with --config-dir DIR"
        )
    if options.experimental_rerun:
        raise ConfigError("--experimental-rerun: the same command again is the same run; give its settings")
    if options.cfg is None and (options.resolve or options.package is not None):
        raise ConfigError("--resolve, --package: say how --cfg job is printed; add it, or leave them out")
    config_dir = None if options.config_dir is None else Path(options.config_dir)
    if options.shell_completion:
        if "COMP_LINE" in os.environ:
            from prefixrun.cli.completion import completions

            words, rest = completions(os.environ["COMP_LINE"])
            print_plain("".join(f"{word}\n" for word in words))
            if rest is None:
                return 0
            os.environ["COMP_LINE"] = rest
        return _answer([*_without(arguments, options.overrides), *options.overrides])
    if options.cfg or options.info or options.hydra_help:
        compose.check_keys(options.overrides, multirun=options.multirun, config_dir=config_dir)
        return _answer([*_words(options), *compose.search_path(config_dir), *options.overrides])
    if options.multirun:
        return _sweep(options.overrides, config_dir)
    config = configure.compose(options.overrides, config_dir=config_dir)
    from prefixrun.cli.run_command import run

    return run(config, options.overrides, config_dir, all_rows=options.all_rows)


def _sweep(overrides: list[str], config_dir: Path | None) -> int:
    from prefixrun.cli.commands import tune
    from prefixrun.cli.run_command import refuse_several
    from prefixrun.config.compose import SweepPoint
    from prefixrun.runs import configure
    from prefixrun.sweeps.execute import sweep
    from prefixrun.sweeps.launchers import launcher
    from prefixrun.sweeps.plan import Job, plan_jobs
    from prefixrun.tracking import refuse_missing

    refuse_several()
    if tune.is_asked_for(overrides):
        return tune.sweep(overrides, config_dir)
    points = configure.sweep_points(overrides, config_dir=config_dir)

    def planned(points: Sequence[SweepPoint]) -> Sequence[Job]:
        for tracker in dict.fromkeys(point.config.tracker for point in points if point.config):
            refuse_missing(tracker)
        return plan_jobs(points)

    def replan(impossible: Sequence[Job]) -> Sequence[Job]:
        return planned(configure.recomposed([job.point for job in impossible], config_dir=config_dir))

    jobs = planned(points)
    return sweep(jobs, launcher(overrides, config_dir), replan)


def _answer(arguments: list[str]) -> int:
    """Let Hydra print what it was asked for. Raises ConfigError for what it cannot compose."""
    import hydra

    from prefixrun.config import compose, user_files
    from prefixrun.config.conf_tree import conf_dir

    compose.register_schema()
    user_files.register()
    before, sys.argv = sys.argv, ["prefixrun", *arguments]
    environment = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"  # an exception comes here, instead of being printed
    try:
        answer = hydra.main(
            config_path=str(conf_dir()), config_name=compose.CONFIG_NAME, version_base=compose.VERSION_BASE
        )
        with reading(" ".join(arguments), "see prefixrun --help", ConfigError):
            answer(lambda _: None)()
    finally:
        sys.argv = before
        del os.environ[FULL_ERROR]
        os.environ |= {} if environment is None else {FULL_ERROR: environment}
    return 0


FULL_ERROR = "HYDRA_FULL_ERROR"


def _words(options: Namespace) -> list[str]:
    """The options of Hydra's answers as it reads them; files of the user's own are in its search path instead."""
    values = {"--cfg": options.cfg, "--info": options.info, "--package": options.package}
    flags = {"--resolve": options.resolve, "--hydra-help": options.hydra_help, "--multirun": options.multirun}
    words = [word for option, value in values.items() if value is not None for word in (option, value)]
    return [*words, *(option for option, is_set in flags.items() if is_set)]


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

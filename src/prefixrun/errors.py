"""The errors a user can cause or meet, each with the exit code the command ends with.

A message says what is wrong, where (``file:line`` or key) and what to do about it. The command prints it as it is,
without a traceback; everything else that is raised is a defect of the program and keeps its traceback.
"""

BROKEN_PIPE_EXIT_CODE = 128 + 13
"""When nobody reads the output any more: that of a program that SIGPIPE ends, which Windows does not have."""


class PrefixrunError(Exception):
    """Base of all errors that end the command with one message."""

    exit_code: int = 1


class ConfigError(PrefixrunError):
    """The configuration cannot be run: unknown key, value out of range, settings that contradict each other."""

    exit_code = 2


class DataError(PrefixrunError):
    """A data file is missing or malformed. The message starts with ``file:line:`` or ``file:``."""

    exit_code = 3


class MissingPartError(PrefixrunError):
    """An optional part (package extra, Java, model weights) that this run needs is not installed."""

    exit_code = 4


class DamagedStateError(PrefixrunError):
    """A file of an earlier run is damaged, so that the run cannot be resumed or shown."""

    exit_code = 5


class RunHeldError(PrefixrunError):
    """Another process is working on the same run."""

    exit_code = 75


class DiskFullError(PrefixrunError):
    """Nothing more can be written; what is there is whole."""


class Interrupted(PrefixrunError):
    """The run was stopped by a signal and can be resumed. An instance stopped by SIGTERM carries 143."""

    exit_code = 130

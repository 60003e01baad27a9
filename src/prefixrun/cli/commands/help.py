"""prefixrun help WORD

What has to do with a word: verbs, groups with their choices, and keys, as `prefixrun --help` describes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.cli.help import about, short_help
from prefixrun.cli.plain_output import print_plain
from prefixrun.errors import ConfigError, shortened


def run(arguments: Sequence[str]) -> int:
    """Print the entries of the help about a word, or the short help without one. Returns 0.

    Raises ConfigError where nothing has to do with it.
    """
    word = " ".join(arguments).strip()
    text = about(word) if word else short_help()
    if not text:
        raise ConfigError(f"{shortened(word)}: nothing in the help has this word; `prefixrun --help` shows all of it")
    print_plain(text)
    return 0

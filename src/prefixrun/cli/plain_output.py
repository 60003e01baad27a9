"""Texts of the program itself, printed without the libraries that terminals need."""

import sys

from prefixrun.errors import writing_output


def print_plain(text: str) -> None:
    """Print a text as it is, at once. Raises DiskFullError when standard output cannot be written."""
    with writing_output():
        sys.stdout.write(text)
        sys.stdout.flush()

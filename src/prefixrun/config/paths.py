"""What is wrong with the text of a path, before anything is looked for there."""

import os

LONGEST_NAME = 255
"""Bytes of one name in a path, on every file system in use."""
LONGEST = 4000
"""Bytes of a whole path; the system takes 4,096, and files of a run lie below it."""


def wrong_path(text: str) -> str | None:
    """Why a text can be no path here; None when it can."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return "has bytes in it that are not UTF-8; rename the directory, or give it another name by a link"
    if b"\0" in encoded:
        return "has a zero byte in it"
    if len(encoded) > LONGEST or any(len(name) > LONGEST_NAME for name in encoded.split(b"/")):
        return f"is no path: a name has at most {LONGEST_NAME} bytes, and a path {LONGEST}"
    if text.startswith("~") and os.path.expanduser(text) == text:
        return f"there is no home directory of {text.split('/')[0]}; write the directory in full"
    return None

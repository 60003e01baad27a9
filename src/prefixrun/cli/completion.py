"""What a shell may complete that Hydra does not know: verbs, and the keys of a verb."""

from __future__ import annotations

from prefixrun.cli.verbs import VERBS, named


def completions(line: str) -> tuple[list[str], str | None]:
    """Words that may stand at the end of a line, and the line that Hydra completes further; None where it has no part.

    line: what a shell asks about (COMP_LINE), the name of the program first.
    """
    program, *words = line.split(" ")
    before, last = [word for word in words[:-1] if word], words[-1] if words else ""
    if not before:
        return [name for name in dict.fromkeys(name.split()[0] for name in VERBS) if name.startswith(last)], line
    verb = named(before)
    if verb is None:
        of_two_words = [name.split()[1] for name in VERBS if name.startswith(f"{before[0]} ")]
        return [name for name in of_two_words if name.startswith(last)], None if of_two_words else line
    keys = (*VERBS[verb].required, *VERBS[verb].optional)
    typed = {word.partition("=")[0] for word in before}
    rest = " ".join((program, *before[len(verb.split()) :], last))
    return [f"{key}=" for key in keys if key.startswith(last) and key not in typed], (
        rest if VERBS[verb].takes_overrides else None
    )

"""Small WebNLG files in the XML of the release."""

from pathlib import Path

ENTRY = """<entry category="Airport" eid="Id1" size="1">
  <modifiedtripleset><mtriple>A_B | cityServed | "C, D"</mtriple></modifiedtripleset>
  <lex comment="good" lid="Id1">B &amp; A  serves C.</lex>
  <lex comment="toFix" lid="Id2">B serve C.</lex>
</entry>
"""


def xml(*entries: str) -> str:
    """The entries, each with an id of its own, the first with Id1."""
    own = (entry.replace('eid="Id1"', f'eid="Id{number}"') for number, entry in enumerate(entries, start=1))
    return f"<benchmark>\n<entries>\n{''.join(own)}</entries>\n</benchmark>\n"


def write(directory: Path, text: str, name: str = "train/1triples/a.xml") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path

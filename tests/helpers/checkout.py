"""Where the checkout lies, for tests that read its documents or start its command."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

"""One run: its identity, its directory of plain files, and the way from configuration to result."""

"""Prefix-tuning (Li & Liang, ACL 2021): run it, score it as the paper did, and compare with the paper's numbers."""

__version__ = "0.1.0"

SEMANTICS = 1
"""Number of the meaning of results: part of every run's identity. It grows whenever the same configuration would give
other numbers than before (training, decoding, data or scores), and CHANGELOG.md says which numbers moved. Runs with
different numbers are never averaged together."""

"""Sweeps in a directory of their own."""

import pytest


@pytest.fixture(autouse=True)
def _elsewhere(elsewhere: None) -> None:
    """Every test here runs there."""

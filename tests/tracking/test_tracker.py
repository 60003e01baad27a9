"""What a tracker gets."""

from prefixrun.tracking.tracker import COLUMNS, Sample


def test_the_cells_of_a_sample_stand_under_their_columns() -> None:
    sample = Sample("test-0", "in", "out", "ref")
    assert dict(zip(COLUMNS, sample.cells(), strict=True)) == {
        "id": "test-0",
        "input": "in",
        "output": "out",
        "reference": "ref",
    }

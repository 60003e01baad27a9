"""Pictures of a prefix: what stands on their axes, also at the edges."""

import pytest

from prefixrun.analysis.heat_maps import Changes, HeatMap, changes, heat_maps


@pytest.mark.parametrize(
    ("rows", "columns", "value"), [(1, 1, 0.0), (30, 10, 0.5), (3, 200, -1.0)], ids=["one cell", "usual", "long"]
)
def test_maps_of_any_size_are_drawn(rows: int, columns: int, value: float) -> None:
    panel = HeatMap(
        title="a title",
        rows=tuple(map(str, range(rows))),
        columns=tuple(f"{index} $word$" for index in range(columns)),
        values=tuple(tuple(value * (row + column) for column in range(columns)) for row in range(rows)),
        scale="a scale",
        is_diverging=value < 0,
        is_root=value > 0,
        marks=tuple(tuple(column == row for column in range(columns)) for row in range(rows)),
    )
    svg = heat_maps([panel, panel])
    assert svg.count("<!-- a title -->") == 2
    assert "<!-- a scale -->" in svg
    assert "<!-- 0 $word$ -->" in svg, "signs of mathematics are signs"
    assert svg == heat_maps([panel, panel])


def test_changes_have_their_labels_and_intervals_where_there_are_any() -> None:
    panel = Changes("one layer left out", "layer", "change", ("0", "1–2"), (0.5, -0.25), (0.1, None))
    svg = changes([panel, panel])
    assert svg.count("<!-- one layer left out -->") == 2
    assert "<!-- 1–2 -->" in svg

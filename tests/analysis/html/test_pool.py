"""Equal values get the same position."""

from prefixrun.analysis.html.pool import Pool


def test_equal_values_share_a_position_and_are_counted() -> None:
    pool = Pool()
    values = ["a", {"x": 1, "y": [2]}, "a", {"y": [2], "x": 1}, '{"x":1,"y":[2]}', None]
    assert [pool.add(value) for value in values] == [0, 1, 0, 1, 2, 3]
    assert list(pool) == [("a", 2), ({"x": 1, "y": [2]}, 2), ('{"x":1,"y":[2]}', 1), (None, 1)]

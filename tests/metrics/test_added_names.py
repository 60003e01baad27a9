"""Names that an output has and its input does not."""

import pytest

from prefixrun.metrics.added_names import AddedNames

NAMES = ("Aarhus_Airport", "Aarhus", "Denmark", "United_States", "United_States_Navy", "actor", "25.0", "US")
SOURCE = ' | Aarhus_Airport : cityServed : "Aarhus, Denmark"'


@pytest.mark.parametrize(
    ("output", "added"),
    [
        ("Aarhus Airport serves Aarhus in Denmark.", 0),
        ("Aarhus Airport, of the united states navy, is 25.0 metres long.", 2),
        ("An actor of the US.", 0),
        ("The United States and the United States Navy.", 1),
        ("", 0),
    ],
)
def test_names_of_the_release_that_the_input_lacks_are_counted_once(output: str, added: int) -> None:
    metric = AddedNames(NAMES)
    (segment,) = metric.prepare(((SOURCE,),))
    assert metric.count(output, segment) == (1, added)


def test_the_score_is_for_each_hundred_inputs() -> None:
    metric = AddedNames(NAMES)
    rows = metric.count_all(["Denmark.", "The United States."], metric.prepare(((SOURCE,), (SOURCE,))))
    assert metric.aggregate(rows.sum(axis=0)) == {"ADDED": 50.0}
    assert metric.signature("ADDED", ()) == "input:paper|names:8|scorer:prefixrun-added.1"

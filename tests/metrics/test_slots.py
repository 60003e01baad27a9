import pytest

from prefixrun.errors import MissingPartError
from prefixrun.metrics.resampling import intervals
from prefixrun.metrics.slots import Coverage, SlotError
from scoring import counts_of

MILL = (
    "name : The Mill | Type : pub | food : English | price : less than £ 20 | family friendly : no | near : Café Rouge"
)


def slots_of(source, text):
    (row,) = counts_of(SlotError(), ((source,),), [text])
    return tuple(int(number) for number in row)


@pytest.mark.parametrize(
    ("text", "missing", "added"),
    [
        ("The Mill is a pub near Café Rouge with British food under £20. It isn't kid-friendly.", 0, 0),
        ("the mill , a pub near cafe rouge , serves English food for less than £ 20 - adults only .", 0, 0),
        ("The Mill is a family-friendly pub near Café Rouge with English food for less than £20.", 1, 0),
        ("The Mill is a pub with Italian food by the river.", 4, 1),
        ("The Mill has a low customer rating.", 5, 1),
        ("", 6, 0),
    ],
)
def test_missing_and_added_slots(text, missing, added):
    assert slots_of(MILL, text) == (6, missing, added)


def test_names_of_places_say_nothing_about_the_food():
    source = "name : Cotto | near : Raja Indian Cuisine"
    assert slots_of(source, "Cotto is near Raja Indian Cuisine.") == (2, 0, 0)
    assert slots_of(source, "Cotto is an Indian place near Raja Indian Cuisine.") == (2, 0, 1)


def test_each_of_several_values_of_a_slot_counts():
    source = "name : Cotto | food : English | food : Indian"
    assert slots_of(source, "Cotto serves English and Indian food.") == (3, 0, 0)
    assert slots_of(source, "Cotto serves Indian food.") == (3, 1, 0)


def test_slot_error_is_per_cent_of_the_slots():
    metric = SlotError()
    counts = counts_of(metric, ((MILL,), ("name : Cotto | area : riverside",)), ["The Mill is a pub.", "Cotto"])
    assert metric.aggregate(counts.sum(axis=0)) == {"SLOT_ERROR": pytest.approx(100 * 5 / 8)}


def test_coverage_of_subjects_and_objects():
    metric = Coverage()
    sources = (
        (' | Aarhus_Airport : cityServed : "Aarhus, Denmark" | Aarhus_Airport : runwayLength : 2776.0',),
        ("[TABLECONTEXT] : title : Planet Sheen | Planet Sheen : role : Glonb",),
    )
    counts = counts_of(metric, sources, ["Aarhus airport serves Aarhus, Denmark.", "Planet Sheen has a role."])
    assert counts.tolist() == [[3, 2], [2, 1]]
    assert metric.aggregate(counts.sum(axis=0)) == {"COVERAGE": pytest.approx(60.0)}


def test_inputs_with_nothing_to_name_lack_nothing():
    metric = Coverage()
    counts = counts_of(metric, (('[TABLECONTEXT] : [TITLE] : "',), ("A : b : C",)), ["", "A"])
    assert counts.tolist() == [[0, 0], [2, 1]]
    assert metric.aggregate(counts[0]) == {"COVERAGE": 100.0}
    assert metric.aggregate(counts.sum(axis=0)) == {"COVERAGE": 50.0}
    many = counts[[0] * 19 + [1]]
    stats = {"COVERAGE.entities": many[:, 0], "COVERAGE.named": many[:, 1]}
    assert intervals("dart", stats, samples=100)["COVERAGE"].high == 100.0  # draws without the last input


@pytest.mark.parametrize("metric", [SlotError(), Coverage()])
def test_other_forms_of_input_are_refused(metric):
    with pytest.raises(MissingPartError, match="paper's code"):
        metric.prepare((("Aarhus Airport, city served: Aarhus, Denmark",),))


def test_slot_error_of_human_texts(shared):
    from prefixrun.data import load

    corpus = load("e2e", "dev", shared / "data")
    pairs = [(example.source, text) for example in corpus.examples for text in example.references]
    counts = counts_of(SlotError(), tuple((source,) for source, _ in pairs), [text for _, text in pairs])
    slots, missing, added = counts.sum(axis=0)
    assert slots == 27_759
    assert missing / slots == pytest.approx(0.10, abs=0.01)
    assert added / slots < 0.005

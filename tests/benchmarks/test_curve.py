import numpy as np
from benchmarks.curve import AXES, USUAL, Point, points, setup_at
from benchmarks.plan import Plan
from benchmarks.sides import Setup

from prefixrun.models.batches import PairIds


def test_every_axis_passes_through_the_usual_point() -> None:
    full, quick = points(Plan()), points(Plan(points="quick"))
    assert full[0] == quick[0] == USUAL
    assert len(full) == 1 + sum(len(values) for values in AXES.values()) - len(AXES)
    assert set(quick) < set(full)
    assert Point(prefix_len=200) in quick
    assert Point(prefix_len=1) in quick


def test_the_pairs_of_a_point_are_one_batch_of_its_sizes() -> None:
    setup = Setup(
        plan=Plan(),
        directory="",
        prefix={"decoder": np.arange(3, dtype=np.float32).reshape(1, 1, 1, 3, 1)},
        pairs=(PairIds((1, 2, 3), (4, 5)),),
        prompts=(),
        end=0,
        threads=1,
    )
    at = setup_at(setup, Point(prefix_len=5, batch=6, input_length=7, targets=4))
    assert at.plan.prefix_len == 5
    assert at.prefix["decoder"].ravel().tolist() == [0, 1, 2, 0, 1]
    assert at.plan.train_batch == len(at.pairs) == 6
    sources = [pair.source for pair in at.pairs]
    assert [len(source) for source in sources] == [7] * 6
    assert len(set(sources[:4])) == 1
    assert len(set(sources)) == 2

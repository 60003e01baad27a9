import pytest
from benchmarks.plan import Plan, parse

from prefixrun.errors import ConfigError


def test_without_arguments_everything_is_measured_on_the_sample_corpus() -> None:
    plan = parse([])
    assert plan == Plan()
    assert plan.trains
    assert plan.decodes
    assert plan.data_dir == ""


def test_a_part_and_settings() -> None:
    plan = parse(["decode", "data_dir=corpora=here", "json=out.json", "precision=bf16", "rounds=5"])
    assert plan == Plan(part="decode", data_dir="corpora=here", json="out.json", precision="bf16", rounds=5)
    assert not plan.trains
    assert plan.decodes


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(["decod", "round=2", "rounds=-1", "train_batch=0", "precision=fp16", "device=gpu", "max_new_tokens=1"])
    lines = str(caught.value).splitlines()
    assert lines == [
        "round=2: no such key; did you mean rounds?",
        "rounds=-1: not a whole number",
        "decod: give one of train, decode, curve, all, and settings as key=value",
        "precision=fp16: give fp32 or bf16",
        "device=gpu: give cpu or cuda",
        "train_batch=0: must be at least 1",
        "max_new_tokens=1: must be at least 2",
    ]


def test_batch_sizes_are_tried_in_ascending_order() -> None:
    assert Plan().sizes_tried == ((8, 16, 32), (1, 4, 8, 16))
    assert parse(["our_batches=32,16,16", "peer_batches=4"]).sizes_tried == ((16, 32), (4,))


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("our_batches=8,", "our_batches=8,: give whole numbers above 0 with commas between them"),
        ("peer_batches=0", "peer_batches=0: give whole numbers above 0 with commas between them"),
        (
            "curve peers=none",
            "curve, peers=none: the curve is the speed beside the peer's; give peers=plain, or part train",
        ),
        ("peers=some", "peers=some: give all or plain or none"),
        (
            "clock=processor",
            "clock=processor: counts the work of one thread on the CPU; give threads=1 device=cpu with it",
        ),
    ],
)
def test_a_setting_that_cannot_be(argument: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(argument.split())
    assert str(caught.value) == problem


@pytest.mark.parametrize("key", ["rounds", "our_batches"])
def test_a_number_that_no_one_can_mean_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}=9+… \(.* characters more\): (not a|give) whole number"):
        parse([f"{key}={'9' * 5000}"])

"""What a run trains on, measures and scores, and that the choice is stored."""

from dataclasses import replace
from pathlib import Path

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.schema import TaskConfig
from prefixrun.data.run_data import RunData
from prefixrun.data.subset import choose_examples
from prefixrun.errors import ConfigError

LOW_DATA = ("train_size=50", "train.dev_share=0.3")


def load(*changes: str) -> RunData:
    return RunData.load(compose(["model=tiny_llama", "train.warmup_steps=0", *changes]))


def ids(pairs: tuple[object, ...]) -> set[str]:
    return {pair.id for pair in pairs}  # type: ignore[attr-defined]


def test_test_inputs_are_scored_and_the_development_part_is_the_same_for_every_subset() -> None:
    first, second = (load("train_size=20", "train.eval_examples=7", f"subsample_seed={seed}") for seed in (0, 1))
    assert (first.scored, first.inputs) == (first.test, first.test.examples)
    assert len(first.dev_pairs) == 7
    assert first.dev_pairs == second.dev_pairs
    assert ids(first.dev_pairs) < ids(first.dev.all_pairs())
    assert load("train.eval_examples=100000").dev_pairs == first.dev.all_pairs()
    assert load("train.eval_examples=0").dev_pairs == ()


def test_the_development_part_of_the_low_data_protocol() -> None:
    """30 % of the training size (section 6.3), another part for each subsample, nested like the training pairs."""
    parts = {seed: load(*LOW_DATA, f"subsample_seed={seed}") for seed in range(5)}
    assert {(len(part.pairs), len(part.dev_pairs)) for part in parts.values()} == {(50, 15)}
    assert len({part.dev_pairs for part in parts.values()}) == 5
    assert all(ids(part.dev_pairs) < ids(part.dev.all_pairs()) for part in parts.values())
    larger = load(*LOW_DATA, "train_size=100")
    assert ids(parts[0].pairs) < ids(larger.pairs)
    assert ids(parts[0].dev_pairs) < ids(larger.dev_pairs)
    assert len(load(*LOW_DATA, "train_size=99").dev_pairs) == 29
    assert len(load("train_size=100", "train.dev_share=0.29").dev_pairs) == 29


def test_where_the_development_inputs_are_scored_the_development_part_is_kept_away_from_them() -> None:
    """The authors scored E2E's low-data models on its development inputs."""
    parts = load(*LOW_DATA, "eval_split=dev", "test_size=6")
    assert parts.scored == parts.dev
    assert parts.inputs == choose_examples(parts.dev.examples, 6)
    assert len(parts.dev_pairs) == 15
    assert ids(parts.dev_pairs) < ids(parts.train.all_pairs())
    assert not ids(parts.dev_pairs) & ids(parts.pairs)
    rest = load("eval_split=dev", "train_size=318", "train.eval_examples=200")
    assert ids(rest.dev_pairs) == ids(rest.train.all_pairs()) - ids(rest.pairs)
    assert load("eval_split=dev").dev_pairs == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("train_size=3",), r"train\.dev_share=0\.3: 0 development pairs for 3 training pairs, and there are 90 in"),
        (("train_size=310", "eval_split=dev"), r"93 development .* there are 10 in e2e/train outside the training"),
        (("train_size=null",), r"96 development pairs for 320 training pairs, and there are 90 in e2e/dev; give"),
    ],
)
def test_a_share_that_cannot_be_had(changes: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(*LOW_DATA, *changes)


def test_the_choice_has_ids_where_it_is_one() -> None:
    parts = load(*LOW_DATA)
    choices = parts.choices()
    assert choices["train"] == {
        "corpus": "train",
        "available": 320,
        "chosen": 50,
        "ids": [pair.id for pair in parts.pairs],
    }
    assert (choices["dev"]["corpus"], choices["dev"]["available"], len(choices["dev"]["ids"])) == ("dev", 90, 15)


def test_whole_corpora_are_counts() -> None:
    assert load("train.eval_examples=5000").choices() == {
        "train": {"corpus": "train", "available": 320, "chosen": 320},
        "dev": {"corpus": "dev", "available": 90, "chosen": 90},
    }


def test_lines_that_every_part_of_an_own_task_numbers_from_1(tmp_path: Path) -> None:
    """A development pair is none that is trained on because it has the number of one."""
    for part, first in (("train", "a"), ("dev", "b"), ("test", "c")):
        (tmp_path / "mine").mkdir(exist_ok=True)
        rows = "".join(f"{number},{first} {number},{first}\n" for number in (1, 2, 3))
        (tmp_path / "mine" / f"{part}.csv").write_text(f"id,source,target\n{rows}", encoding="utf-8")
    config = compose(["model=tiny_llama", "train.warmup_steps=0", f"data_dir={tmp_path}", "train_size=2"])
    config = replace(config, task=TaskConfig(name="mine"))
    parts = RunData.load(config)
    assert [pair.source for pair in parts.dev_pairs] == ["b 1", "b 2", "b 3"]
    assert parts.untrained == parts.dev_pairs
    of_training = RunData.load(replace(config, eval_split="dev"))
    assert [pair.id for pair in of_training.dev_pairs] == [*({"1#0", "2#0", "3#0"} - ids(of_training.pairs))]
    assert {pair.source[0] for pair in of_training.dev_pairs} == {"a"}


@pytest.mark.parametrize("change", ["train.keep=best", "train.patience=2"])
def test_nothing_is_decided_by_a_loss_that_cannot_be_measured(change: str) -> None:
    assert load("eval_split=dev", change, "train_size=300").dev_pairs
    with pytest.raises(ConfigError, match="takes the development loss from training pairs that are not used"):
        load("eval_split=dev", change)

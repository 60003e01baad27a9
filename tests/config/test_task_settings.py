"""What a task is scored as."""

import pytest

from prefixrun.config.compose import compose


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["task=webnlg"], "webnlg"),
        (["task=own", "task.name=letters", "task.metrics=e2e", "data_dir=."], "e2e"),
        (["task=own", "task.name=letters", "task.metrics=[BLEU,chrF]", "data_dir=."], "BLEU,chrF"),
    ],
)
def test_a_task_is_scored_as_itself_or_as_it_says(overrides: list[str], expected: str) -> None:
    assert compose(overrides).task.scored_as == expected

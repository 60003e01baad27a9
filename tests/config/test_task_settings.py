"""What a task is scored as."""

from prefixrun.config.schema import TaskConfig


def test_a_task_is_scored_as_itself_or_by_its_metrics() -> None:
    assert TaskConfig(name="webnlg").scored_as == "webnlg"
    assert TaskConfig(name="letters", metrics="BLEU,chrF").scored_as == "BLEU,chrF"

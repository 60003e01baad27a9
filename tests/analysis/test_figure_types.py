"""What figures are made of."""

from pathlib import Path

from prefixrun.analysis.curves import figures
from synthetic_records import groups_in, write_record


def test_a_figure_knows_its_run_groups_and_a_curve_its_first(tmp_path: Path) -> None:
    for length in (5, 1, 10):
        write_record(tmp_path, settings={"prefix_len": length})
    (figure,) = figures(groups_in(tmp_path))
    assert [group.first.prefix_len for group in figure.groups] == [1, 5, 10]
    assert figure.curves[0].first is figure.groups[0]

"""Which figures are drawn again."""

from pathlib import Path

import pytest

from prefixrun.analysis import publish as publication
from prefixrun.analysis.drawn import FILE
from prefixrun.analysis.plots import draw
from prefixrun.analysis.publish import publish
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_a_figure_is_drawn_again_only_when_it_shows_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(seed: int) -> None:
        for length in (1, 5):
            write_record(tmp_path, settings={"seed": seed, "prefix_len": length})

    drawn: list[str] = []
    monkeypatch.setattr(publication, "draw", lambda figure: drawn.append(figure.name) or draw(figure))
    write(1)
    first = publish(load_records(tmp_path).runs, tmp_path)
    again = publish(load_records(tmp_path).runs, tmp_path)
    assert (len(drawn), sorted(first)) == (1, sorted(again))
    write(2)
    publish(load_records(tmp_path).runs, tmp_path)
    assert len(drawn) == 2
    (tmp_path / "figures" / f"{drawn[0]}.png").unlink()
    publish(load_records(tmp_path).runs, tmp_path)
    assert len(drawn) == 3
    (tmp_path / "figures" / FILE).write_text("{")
    publish(load_records(tmp_path).runs, tmp_path)
    assert len(drawn) == 4
    assert (tmp_path / "figures" / f"{drawn[0]}.png").is_file()

"""prefixrun tables: what it writes and leaves out, and wrong arguments."""

from pathlib import Path

import pytest

from prefixrun.cli.main import main
from synthetic_records import write_runs


def test_the_command_writes_everything_and_names_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "tree"
    for size in (50, 100):
        write_runs(tree, "prefix", 0.5, train_size=size)
    (tree / "runs" / "going").mkdir(parents=True)
    (tree / "runs" / "going" / "config.json").write_text("{}")
    assert main(["tables", f"results_dir={tree}", f"out={tmp_path}"]) == 0
    shown = capsys.readouterr()
    assert f"left out: {tree}/runs/going: the run is not finished" in shown.err
    assert "1 left out" in shown.out
    assert (tmp_path / "tables" / "acl_table_2.md").is_file()
    assert (tmp_path / "figures" / "low_data-e2e-smollm2_135m.svg").is_file()

"""From a grid of experiments to tables and report, end to end on a tiny model."""

from pathlib import Path

import pytest

from checkout import python
from prefixrun.cli.arguments import parse_some
from prefixrun.cli.main import main
from prefixrun.cli.reproduction import Request, make_request
from prefixrun.config.conf_tree import groups
from prefixrun.errors import ConfigError, DataError
from prefixrun.runs.configure import sweep_points
from synthetic_records import write_record

TINY = (
    "model=tiny_llama",
    "threads=1",
    "train.max_steps=1",
    "init.fit_steps=1",
    "test_size=2",
    "decode.max_new_tokens=4",
)


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_small_run_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reproduce", "experiment=table3_xsum,table5_intrinsic", *TINY]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "profile quick: no data_dir is given, so every experiment runs in small on the sample corpus"
    )
    assert said.index("4 runs to do, for an unknown time") < said.index("[1/4]") < said.index("4 done now")
    assert "ACL Table 5, E2E" in said
    tree = Path("results", "quick")
    assert sorted(path.name for path in tree.iterdir()) == ["figures", "report.html", "runs", "tables"]

    # Numbers from the sample corpus stand in no table of the paper and speak to no claim; runs are compared beside it.
    for number in range(2, 6):
        assert "ours, 1" not in (tree / "tables" / f"acl_table_{number}.md").read_text()
    assert "the sample corpus" in (tree / "tables" / "methods.md").read_text()
    assert "24 claims of the paper: no runs 21, cannot be tested here 3" in said

    before = files(tree / "tables") | files(tree / "runs")
    assert main(command) == 0
    assert "nothing is left to do" in capsys.readouterr().out
    assert files(tree / "tables") | files(tree / "runs") == before


def test_a_failure_is_told_and_the_tables_are_made_of_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "experiment=table4_extrapolation", "train_size=20", *TINY]) == 3
    said = capsys.readouterr().out
    assert "xsum_within_news/train: 20 pairs were asked for and there are 18" in said
    assert "1 done now, 1 failed\n" in said
    assert "from 1 finished run:" in said
    assert Path("results", "quick", "report.html").is_file()


def test_only_tables_reads_what_is_finished_without_torch(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, settings={"seed": seed})
    words = ["reproduce", "only_tables=true", f"results_dir={tmp_path}"]
    code = f"import sys; from prefixrun.cli.main import main; main({words!r}); print({{'torch'}} & set(sys.modules))"
    done = python("-c", code)
    assert done.stdout.endswith("set()\n")
    assert "from 2 finished runs:" in done.stdout
    assert (tmp_path / "tables" / "acl_table_2.csv").is_file()


def asked(*words: str) -> Request:
    return make_request(*parse_some(words, ("experiment", "profile", "data_dir", "results_dir", "only_tables")))


def test_all_experiments_are_asked_for_in_a_tree_of_their_own() -> None:
    made = asked()
    assert (made.profile, made.results_dir) == ("quick", Path("results/quick"))
    names = made.overrides[0].removeprefix("experiment=").split(",")
    assert all((name in names) != name.startswith("open_") for name in groups()["experiment"])
    configs = [point.config for point in sweep_points(made.overrides)]
    assert {config.results_dir for config in configs if config} == {"results/quick"}


def test_real_corpora_are_run_at_laptop_size(tmp_path: Path) -> None:
    (tmp_path / "it's here" / "e2e").mkdir(parents=True)
    made = asked(f"data_dir={tmp_path}/it's here")
    assert (made.profile, made.results_dir) == ("laptop", Path("results"))
    assert made.reason.endswith("it's here for e2e")
    (config, *_) = (point.config for point in sweep_points((*made.overrides, "method=prefix")) if point.config)
    assert (config.data_dir, config.profile) == (f"{tmp_path}/it's here", "laptop")


def test_the_published_tree_is_what_only_tables_means() -> None:
    assert asked("only_tables=true").results_dir == Path("results")
    assert asked("only_tables=true", "profile=quick").results_dir == Path("results/quick")
    assert asked("profile=quick", "results_dir=there").results_dir == Path("there")


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["results_dir="], ConfigError, "results_dir=: has no value; give a value"),
        (["only_tables=yes"], ConfigError, "only_tables=yes: must be true or false"),
        (["only_tables=true", "seed=1"], ConfigError, "seed=1: only_tables=true runs nothing"),
        (["only_tables=true", "experiment=methods"], ConfigError, "experiment=methods: only_tables=true runs nothing"),
        (["profile=quick", "profile=laptop"], ConfigError, "profile=laptop: profile is given twice"),
        (["data_dir=nowhere"], DataError, "nowhere: holds none of the corpora"),
    ],
)
def test_what_is_refused(words: list[str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        asked(*words)


def test_a_misspelt_experiment_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "experiment=table2"]) == 2
    assert "table2 is no choice of experiment" in capsys.readouterr().err
    assert not list(Path.cwd().iterdir())

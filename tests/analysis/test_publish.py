"""From records to files: the same records, the same bytes."""

import itertools
import shutil
from pathlib import Path

import pytest

from checkout import ROOT
from open_records import write
from prefixrun.analysis.drawn import FILE, fingerprints
from prefixrun.analysis.publish import ANSWERS, LIST, all_figures, figure_list, publish, publish_all, tables
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_diverged, write_record


@pytest.fixture(scope="module")
def published() -> tuple[Record, ...]:
    """The committed records, from which alone the published tables come."""
    return load_records(ROOT / "results", ("records",)).runs


def test_the_same_records_give_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    records = load_records(tree).runs
    first, second = publish(records, tmp_path / "a"), publish(records[::-1], tmp_path / "b")
    assert [path.name for path in first] == [path.name for path in second]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_a_figure_that_the_runs_no_longer_make_goes(tmp_path: Path) -> None:
    for length in (1, 5):
        longer = write_record(tmp_path, settings={"prefix_len": length})
    publish(load_records(tmp_path).runs, tmp_path)
    mine = tmp_path / "figures" / "mine.png"
    mine.touch()
    assert len(list((tmp_path / "figures").iterdir())) == 5
    shutil.rmtree(longer)
    for length in (1, 5):
        write_record(tmp_path, settings={"prefix_len": length, "train_size": 50})
    publish(load_records(tmp_path).runs, tmp_path)
    left = {path.name for path in (tmp_path / "figures").iterdir()}
    assert left == {
        "mine.png",
        FILE,
        LIST,
        *(f"prefix_length-e2e-smollm2_135m-50.{ending}" for ending in ("png", "svg")),
    }


def test_pictures_of_open_questions_are_published_and_go_like_the_others(tmp_path: Path) -> None:
    losses = [{"prefix_len": 1, "dev_loss": 1.5}, {"prefix_len": 10, "dev_loss": 1.4}]
    write(tmp_path, 1.4, lengths=losses, **{"method.nested": True})
    publish(load_records(tmp_path).runs, tmp_path)
    (path,) = (tmp_path / "figures").glob("open_length-*.svg")
    assert f"({path.name})" in (tmp_path / "figures" / LIST).read_text(encoding="utf-8")
    path.write_text("as it was drawn", encoding="utf-8")
    publish(load_records(tmp_path).runs, tmp_path)
    assert path.read_text(encoding="utf-8") == "as it was drawn"
    shutil.rmtree(tmp_path / "records")
    publish(load_records(tmp_path).runs, tmp_path)
    assert not list((tmp_path / "figures").iterdir())


def test_the_list_of_figures_has_their_captions_and_goes_with_the_last_of_them(tmp_path: Path) -> None:
    paths = [write_record(tmp_path, settings={"prefix_len": length}) for length in (1, 5)]
    publish(load_records(tmp_path).runs, tmp_path)
    text = (tmp_path / "figures" / LIST).read_text(encoding="utf-8")
    assert "## Prefix length: E2E, SmolLM2-135M, 42,061 pairs\n" in text
    assert "(prefix_length-e2e-smollm2_135m-42061.svg)\n\nBest BLEU at length " in text
    shutil.rmtree(paths[0])
    publish(load_records(tmp_path).runs, tmp_path)
    assert not list((tmp_path / "figures").iterdir())


def test_tables_of_another_version_do_not_stay_with_old_numbers(tmp_path: Path) -> None:
    publish([], tmp_path, version="v1")
    mine = tmp_path / "tables" / "my_table_of_runs.md"
    mine.touch()
    publish([], tmp_path)
    left = {path.name.partition("_")[0] for path in (tmp_path / "tables").iterdir()}
    assert left == {"acl", "claims.md", "methods.csv", "methods.md", "methods.tex", "my"}


def test_answers_to_open_questions_go_with_the_runs_that_give_them(tmp_path: Path) -> None:
    lengths = {"history": [], "lengths": [{"prefix_len": 10, "dev_loss": 1.4}]}
    nested = write_record(tmp_path, settings={"method.nested": True}, result={"training": lengths})
    publish(load_records(tmp_path).runs, tmp_path)
    assert (tmp_path / "tables" / ANSWERS).is_file()
    shutil.rmtree(nested)
    publish(load_records(tmp_path).runs, tmp_path)
    assert not (tmp_path / "tables" / ANSWERS).exists()


def test_published_tables_are_what_the_committed_records_give(published: tuple[Record, ...]) -> None:
    """After adding a record: `prefixrun tables`, and commit what it writes."""
    made = tables(published)
    directory = ROOT / "results" / "tables"
    assert sorted(path.name for path in directory.iterdir()) == sorted(made)
    for name, text in made.items():
        assert (directory / name).read_bytes() == text.encode("utf-8"), name


def test_published_figures_show_what_the_committed_records_give(published: tuple[Record, ...]) -> None:
    """Their data, as other versions of matplotlib and its fonts give other bytes."""
    shown = all_figures(published)
    made = {name: now for name, (_, now) in shown.items()}
    directory = ROOT / "results" / "figures"
    assert fingerprints(directory) == made
    assert (directory / LIST).read_text(encoding="utf-8") == figure_list([each for each, _ in shown.values()])
    files = {FILE, LIST, *(f"{name}.{ending}" for name in made for ending in ("png", "svg"))}
    assert {path.name for path in directory.iterdir()} == files


@pytest.mark.slow
def test_a_thousand_records_are_read_and_tabulated(tmp_path: Path) -> None:
    for number in range(1000):
        method = ("prefix", "finetune", "adapter", "lora", "infix")[number % 5]
        settings = {"seed": number // 100, "method.name": method, "train_size": 50 * (1 + number // 5 % 20)}
        write_record(tmp_path, settings=settings)
    records = load_records(tmp_path).runs
    assert len(records) == 1000
    assert tables(records)


def test_what_is_in_version_control_comes_from_the_committed_records_alone(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, folder="records", settings={"seed": seed})
    publish_all(load_records(tmp_path), tmp_path / "before")
    write_record(tmp_path, folder="runs", settings={"seed": 3})
    publish_all(load_records(tmp_path), tmp_path / "after")
    tables_of = {name: (tmp_path / name / "tables" / "acl_table_2.md").read_bytes() for name in ("before", "after")}
    assert tables_of["before"] == tables_of["after"]
    assert (tmp_path / "after" / "own" / "tables" / "acl_table_2.md").read_bytes() != tables_of["after"]
    assert not (tmp_path / "before" / "own").exists()
    shutil.rmtree(tmp_path / "runs")
    publish_all(load_records(tmp_path), tmp_path / "after")
    left = [path for path in (tmp_path / "after" / "own").rglob("*") if path.is_file()]
    assert not left, "these runs are no longer there"


def test_a_run_that_diverged_here_changes_nothing_in_version_control(tmp_path: Path) -> None:
    for seed, method in itertools.product((1, 2), ("prefix", "finetune")):
        write_record(tmp_path, folder="records", settings={"seed": seed, "method.name": method})
    publish_all(load_records(tmp_path), tmp_path / "before")
    write_diverged(tmp_path, folder="runs", settings={"seed": 3})
    publish_all(load_records(tmp_path), tmp_path / "after")
    texts = {name: (tmp_path / name / "tables" / "methods.md").read_text() for name in ("before", "after", "after/own")}
    assert texts["before"] == texts["after"]
    assert "diverged" not in texts["after"]
    assert "diverged" in texts["after/own"]


def test_without_committed_records_all_runs_are_published_in_one_place(tmp_path: Path) -> None:
    write_record(tmp_path, folder="runs")
    publish_all(load_records(tmp_path), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["tables"], "one run draws no figure"

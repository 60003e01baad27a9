"""Finished runs are looked up and opened again, or refused with the reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prefixrun.errors import ConfigError, DamagedStateError, DataError
from prefixrun.results.lookup import config_of, find, open_run
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record


def altered(results: Path, **fields: Any) -> Record:
    """A finished run whose result has other fields."""
    record = load_records(results).runs[0]
    return Record(record.directory, {**record.result, **fields})


def test_a_run_is_found_by_the_beginning_of_its_id_and_by_its_directory(tmp_path: Path) -> None:
    first, second = (write_record(tmp_path, settings={"seed": seed}) for seed in (1, 2))
    assert find(tmp_path, first.name[-12:]).directory == first
    assert find(Path("elsewhere"), str(second)).directory == second


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zzz", r"run zzz: no finished run of .* has this id"),
        ("", "run : 2 runs begin like this: .*; give more of the id"),
    ],
)
def test_a_name_of_no_run_or_of_several_is_refused(tmp_path: Path, name: str, message: str) -> None:
    for seed in (1, 2):
        write_record(tmp_path, settings={"seed": seed})
    with pytest.raises(DataError, match=message):
        find(tmp_path, name)


def test_a_damaged_run_is_named_as_such(tmp_path: Path) -> None:
    directory = write_record(tmp_path)
    (directory / "result.json").write_text("{")
    with pytest.raises(DamagedStateError, match=rf"no finished run of .* \({directory.name}: .*damaged"):
        find(tmp_path, directory.name[-12:])


def test_the_configuration_of_a_run_comes_back(results: Path) -> None:
    record = load_records(results).runs[0]
    config = config_of(record)
    assert (config.prefix_len, config.seed, config.model.name) == (record.prefix_len, record.seed, "tiny_llama")


def test_a_run_on_another_backbone_is_not_opened(results: Path) -> None:
    backbone: Mapping[str, Any] = load_records(results).runs[0].result["backbone"]
    with pytest.raises(DamagedStateError, match="was trained on a model with SHA-256 ffffffffffff"):
        open_run(altered(results, backbone={**backbone, "sha256": "f" * 64}))


def test_a_run_that_does_not_name_its_weights_is_not_opened(results: Path) -> None:
    with pytest.raises(DataError, match="does not say which weights it was trained on"):
        open_run(altered(results, backbone={}))


def test_of_many_runs_a_message_names_a_few(tmp_path: Path) -> None:
    for seed in range(9):
        write_record(tmp_path, settings={"seed": seed}, inputs=1)
    with pytest.raises(DataError, match=r"9 runs begin like this: (\w{12}, ){8}\.\.\.; give more of the id"):
        find(tmp_path, "")


def test_settings_of_a_later_version_are_refused(results: Path) -> None:
    settings = load_records(results).runs[0].settings
    with pytest.raises(ConfigError, match="its settings cannot be read by this version"):
        config_of(altered(results, settings={**settings, "telepathy": True}))


def test_a_model_of_a_local_directory_has_to_be_named(results: Path) -> None:
    settings = load_records(results).runs[0].result["settings"]
    model = {**settings["model"], "source": "path"}
    with pytest.raises(ConfigError, match="its model was a local directory; give model_path=DIR"):
        config_of(altered(results, settings={**settings, "model": model}))

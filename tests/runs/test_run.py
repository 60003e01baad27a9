"""A run's identity, directory and state."""

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefixrun import files
from prefixrun.errors import ConfigError, DamagedStateError, RunHeldError
from prefixrun.runs.run import Run, run_id
from small_run import RESULT

IDENTITY = {"task": "e2e", "seed": 101, "lr": 5e-3, "words": ["a", "b"]}


def _run(results_dir: Path, **changes: object) -> Run:
    return Run(results_dir, task="e2e", method="prefix", model="tiny_gpt2", identity={**IDENTITY, **changes})


def test_the_id_never_moves() -> None:
    """A moved id would orphan every earlier run."""
    assert run_id(IDENTITY) == "50f29a567073"


def test_the_id_does_not_depend_on_the_order_of_keys_or_the_kind_of_sequence() -> None:
    assert run_id(dict(reversed(IDENTITY.items()))) == run_id(IDENTITY)
    assert run_id({**IDENTITY, "words": ("a", "b")}) == run_id(IDENTITY)


@pytest.mark.parametrize("change", [{"seed": 102}, {"seed": 101.0}, {"seed": "101"}, {"new": None}, {"words": "ab"}])
def test_every_change_of_the_identity_is_another_run(change: dict[str, object]) -> None:
    assert run_id({**IDENTITY, **change}) != run_id(IDENTITY)


def test_an_identity_without_a_fixed_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"identity\.lr is nan"):
        _run(tmp_path, lr=float("nan"))
    with pytest.raises(TypeError, match=r"identity\.path is a PosixPath"):
        _run(tmp_path, path=tmp_path)


def test_the_directory_and_its_files(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert run.directory == tmp_path / "runs" / f"e2e-prefix-tiny_gpt2-{run_id(IDENTITY)}"
    assert [
        path.relative_to(run.directory).as_posix()
        for path in (
            run.config_json,
            run.result_json,
            run.trained_file,
            run.generations,
            run.stats,
            run.log,
            run.checkpoints,
        )
    ] == [
        "config.json",
        "result.json",
        "prefix.safetensors",
        "generations.jsonl",
        "stats.parquet",
        "run.log",
        "checkpoints",
    ]
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None)
@given(name=st.text())
def test_no_name_leads_out_of_the_results(name: str) -> None:
    run = Run(Path("results"), task=name, method="../..", model=f"/{name}/..", identity={})
    assert run.directory.parent == Path("results/runs")
    assert run.directory.resolve().parent == Path("results/runs").resolve()
    assert not run.directory.name.startswith(".")


def test_a_results_directory_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results" / "runs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="lies outside"), _run(tmp_path / "results").hold():
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_from_new_to_finished(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert run.state() == "new"
    with run.hold():
        assert run.state() == "interrupted"
        assert json.loads(run.config_json.read_text())["identity"] == IDENTITY
        run.finish(RESULT)
        assert run.state() == "finished"
    assert _run(tmp_path).state() == "finished"
    assert _run(tmp_path).result() == {**RESULT, "schema_version": 1, "run_id": run.id}
    assert sorted(path.name for path in run.directory.iterdir()) == [
        ".lock",
        "config.json",
        "manifest.json",
        "result.json",
    ]


def test_an_interrupted_run_goes_on_in_its_directory(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), _run(tmp_path).hold():
        raise KeyboardInterrupt
    run = _run(tmp_path)
    assert run.state() == "interrupted"
    (run.directory / ".result.json.tmp-1-aa").write_text("half")
    with run.hold():
        assert sorted(path.name for path in run.directory.iterdir()) == [".lock", "config.json", "holder.json"]
        run.finish(RESULT)


def test_a_failed_run_says_why_until_it_is_tried_again(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        run.fail("the loss is not a number at step 12")
    assert run.state() == "failed"
    failure = run.failure()
    assert failure is not None
    assert failure["message"] == "the loss is not a number at step 12"
    assert failure["log"] == "run.log"
    with run.hold():
        assert run.state() == "interrupted"
        assert run.failure() is None


def test_a_finished_run_is_never_overwritten(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        run.finish(RESULT)
        before = run.result_json.read_bytes()
        with pytest.raises(DamagedStateError, match="nothing was overwritten"):
            run.finish({**RESULT, "seed": 7})
    assert run.result_json.read_bytes() == before


def test_an_invalid_result_is_not_written(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        with pytest.raises(ValueError, match=r"seed is 'x'.*; scores is 1"):
            run.finish({**RESULT, "seed": "x", "scores": 1})
        with pytest.raises(ValueError, match=r"result\.costs\.train_seconds is nan"):
            run.finish({**RESULT, "costs": {**RESULT["costs"], "train_seconds": float("nan")}})
        with pytest.raises(ValueError, match="run_id is 000000000000"):
            run.finish({**RESULT, "run_id": "000000000000"})
        assert not run.result_json.exists()


def test_only_the_holder_finishes_or_fails(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        with pytest.raises(RunHeldError, match="held by process"), _run(tmp_path).hold():
            pass
        with pytest.raises(RunHeldError, match="does not hold"):
            _run(tmp_path).finish(RESULT)
        (run.directory / "holder.json").unlink()
        with pytest.raises(RunHeldError, match=r"was its holder\.json deleted"):
            run.finish(RESULT)
    with pytest.raises(RunHeldError, match="does not hold"):
        run.fail("too late")
    assert run.state() == "interrupted"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "damaged"),
        ("[]", "is not an object"),
        ('{"schema_version": 99}', "schema_version is 99"),
        (json.dumps({**RESULT, "schema_version": 1, "run_id": "000000000000"}), "run_id is 000000000000"),
    ],
)
def test_a_damaged_result_is_named_with_the_reason_and_what_to_do(content: str, reason: str, tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        run.result_json.write_text(content)
    with pytest.raises(DamagedStateError, match=rf"result\.json: .*{reason}.* move the .* away and run the same"):
        run.state()


@pytest.mark.parametrize("content", ["{", "[]", "{}", json.dumps({"run_id": "x", "identity": {}})])
def test_a_configuration_of_another_run_is_refused(content: str, tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        pass
    run.config_json.write_text(content)
    with pytest.raises(DamagedStateError, match=r"config\.json: "):
        run.state()
    with pytest.raises(DamagedStateError, match=r"config\.json: "), run.hold():
        pass
    assert run.config_json.read_text() == content


def test_a_result_without_its_configuration_is_damage(tmp_path: Path) -> None:
    run = _run(tmp_path)
    files.make_directory(run.directory)
    run.result_json.write_text("{}")
    with pytest.raises(DamagedStateError, match=r"no config\.json"):
        run.state()


def test_an_unwritable_results_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(ConfigError, match=r"results_dir: "), _run(tmp_path / "results").hold():
        pass


def test_no_file_of_a_run_names_the_machine_afterwards(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        run.finish(RESULT)
    host = f'"{socket.gethostname()}"'
    assert all(host not in path.read_text() for path in run.directory.iterdir())


def _link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


FILES = (
    *("config.json", "result.json", "failed.json", "subset.json", "prefix.safetensors", "costs.json", "stats.parquet"),
    *("generations.jsonl", "run.log", "manifest.json", ".lock", "holder.json", "checkpoints/step-00000001.safetensors"),
)


@pytest.mark.parametrize("name", [*FILES, "checkpoints"])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_written_through_a_link(name: str, exists: bool, tmp_path: Path) -> None:
    run, outside = _run(tmp_path / "results"), tmp_path / "outside"
    with run.hold():
        if name != "checkpoints":
            files.make_directory(run.checkpoints)
    if exists and name == "config.json":
        outside.write_bytes(run.config_json.read_bytes())
    elif exists and name == "checkpoints":
        outside.mkdir()
        (outside / ".x.tmp-1").write_text("not ours")
    elif exists:
        outside.write_text("not ours")
    before = {path: path.read_bytes() for path in tmp_path.glob("outside*") if path.is_file()}
    _link(run.directory / name, outside)
    with pytest.raises(DamagedStateError, match=rf"{name}: is a link or no .*; nothing was written"), run.hold():
        pass
    assert {path: path.read_bytes() for path in tmp_path.glob("outside*") if path.is_file()} == before
    assert outside.exists() == exists
    assert not exists or name != "checkpoints" or (outside / ".x.tmp-1").exists()


@pytest.mark.parametrize("name", [name for name in FILES if name != "config.json"])
def test_a_directory_in_place_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        pass
    (run.directory / name).unlink(missing_ok=True)
    (run.directory / name).mkdir(parents=True)
    with pytest.raises(DamagedStateError, match=rf"{name}: is a link or no file"), run.hold():
        pass


def test_a_run_whose_directory_is_a_link_to_that_of_another_is_refused(tmp_path: Path) -> None:
    run, other = _run(tmp_path), _run(tmp_path, seed=102)
    files.make_directory(other.directory)
    run.directory.symlink_to(other.directory)
    with pytest.raises(DamagedStateError, match="is a link or no directory"), run.hold():
        pass
    assert list(other.directory.iterdir()) == []


def _finished(results_dir: Path, **settings: object) -> Run:
    run = _run(results_dir)
    with run.hold():
        run.manifest.write({run.trained_file.name: b"trained"}, "training")
        run.finish({**RESULT, "settings": settings})
    return _run(results_dir)


def test_a_result_that_was_edited_is_damage(tmp_path: Path) -> None:
    run = _finished(tmp_path)
    text = run.result_json.read_text()
    run.result_json.write_text(text.replace("12.5", "72.5"))
    with pytest.raises(DamagedStateError, match=r"result\.json: has changed since it was written; move the directory"):
        run.state()
    run.result_json.write_text(text)
    assert run.state() == "finished"


def test_a_finished_run_of_an_earlier_version_has_no_manifest(tmp_path: Path) -> None:
    run = _finished(tmp_path)
    run.manifest.path.unlink()
    assert run.state() == "finished"


def test_the_lock_file_of_an_earlier_version_is_of_no_account(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.hold():
        pass
    (run.directory / "lock").write_text(json.dumps({"host": socket.gethostname(), "pid": 1, "time": 9e99}))
    assert run.holder() is None
    with run.hold():
        run.finish(RESULT)
    assert run.state() == "finished"


@pytest.mark.parametrize(
    ("settings", "stays"), [({"keep_trained": False}, False), ({"keep_trained": True}, True), ({}, True)]
)
def test_what_a_kill_just_after_the_result_leaves_is_removed(
    settings: dict[str, object], stays: bool, tmp_path: Path
) -> None:
    run = _finished(tmp_path, **settings)
    with _run(tmp_path).hold():
        run.remove_trained()
        assert run.trained_file.exists(), "the process that holds it does that"
    run.remove_trained()
    assert run.trained_file.exists() == stays
    run.remove_trained()
    assert run.state() == "finished"

"""Which settings change no number, lie on this machine or tell repetitions apart, as the schema's metadata says."""

from typing import Any

from prefixrun.config.setting_roles import RETIRED, flatten, leave_out, local_paths, outside_identity, repeats, without
from prefixrun.config.validate import known_keys


def test_the_schema_says_which_settings_change_no_number() -> None:
    assert set(outside_identity()) == {
        *("profile", "recipe", "variant", "budget", "keep_trained", "device", "threads"),
        *(
            "data_dir",
            "results_dir",
            "model.path",
            "train.checkpoint_every",
            "train.gradient_checkpointing",
            "train.diverged_factor",
            "train.diverged_steps",
            "decode.batch_size",
            "decode.graphs",
            "tracker",
        ),
        *("init.text", "init.file", "init.run", "distill.text", "distill.file", "method.runs"),
        *("task.dataset", "task.dataset_config", "task.dataset_revision"),
        *RETIRED,
    }
    assert set(local_paths()) == {
        "data_dir",
        "results_dir",
        "model.path",
        "init.file",
        "init.run",
        "method.runs",
        "distill.file",
        "tracker",
    }
    assert set(repeats()) == {"seed", "subsample_seed", "method.digest"}
    assert {*outside_identity(), *local_paths(), *repeats()} - {*known_keys(), *RETIRED} == set()


def test_keys_are_left_out_at_any_depth() -> None:
    settings: dict[str, Any] = {"a": 1, "b": {"a": 2, "c": 3}, "c": 4}
    assert without(settings, ("a", "b.c")) == {"b": {"a": 2}, "c": 4}


def test_settings_have_dotted_keys() -> None:
    assert dict(flatten({"a": 1, "b": {"c": [2], "d": {"e": None}}, "f": {}})) == {"a": 1, "b.c": [2], "b.d.e": None}


def test_a_name_is_a_whole_key_or_a_section() -> None:
    settings = dict.fromkeys(("seed", "init.name", "init.fit_steps", "seeds", "seed.of", "init_words", "init"), 1)
    assert [*leave_out(settings, {"seed", "init."})] == ["seeds", "seed.of", "init_words", "init"]
    assert leave_out(settings, set()) == settings

"""Settings as dotted keys."""

from prefixrun.results.flat_settings import with_defaults


def test_settings_that_a_run_does_not_name_have_their_defaults() -> None:
    settings = with_defaults({"train": {"lr": 3.0}})
    assert settings["train.lr"] == 3.0
    assert settings["train.gradient_checkpointing"] is False

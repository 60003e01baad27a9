"""Settings as dotted keys."""

from prefixrun.results.flat_settings import with_defaults


def test_settings_that_a_run_does_not_name_have_their_defaults() -> None:
    settings = with_defaults({"train": {"lr": 3.0}})
    assert settings["train.lr"] == 3.0
    assert settings["train.gradient_checkpointing"] is False


def test_a_model_of_a_package_has_the_architecture_of_its_name() -> None:
    """Early runs do not name it, and are averaged with later ones."""
    settings = with_defaults({"model": {"name": "smollm2_135m", "source": "package"}})
    assert settings["model.architecture"] == "smollm2_135m"
    assert with_defaults({"model": {"name": "path", "source": "path"}})["model.architecture"] is None

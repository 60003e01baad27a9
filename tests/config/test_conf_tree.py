"""Where the configuration files lie, and which choices there are."""

from pathlib import Path

from prefixrun.config.conf_tree import conf_dir, groups
from prefixrun.config.method_specs import METHOD_SPECS


def test_every_file_but_hydras_is_a_choice_of_its_directory() -> None:
    files = {path.relative_to(conf_dir()).with_suffix("").as_posix() for path in conf_dir().rglob("*/*.yaml")}
    choices = {f"{group}/{choice}" for group, names in groups().items() for choice in names}
    assert {file for file in files if not file.startswith("hydra/")} <= choices
    assert "experiment/table2_e2e" in choices
    assert not any(choice.startswith("hydra") for choice in choices)


def test_every_method_is_a_choice_with_a_file_or_without() -> None:
    assert set(METHOD_SPECS) <= set(groups()["method"])
    assert not (conf_dir() / "method" / "lora.yaml").exists()


def test_choices_of_a_directory_of_the_users_own_stand_beside_them(tmp_path: Path) -> None:
    for name in ("decode/wide", "mine/first"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.yaml").write_text("name: x\n")
    assert groups(tmp_path)["decode"] == sorted([*groups()["decode"], "wide"])
    assert groups(tmp_path)["mine"] == ["first"]

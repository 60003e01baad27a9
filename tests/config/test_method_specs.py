"""What the entries of the methods say, for the whole program and for methods that it does not know."""

from importlib.util import find_spec

from prefixrun.config.method_specs import METHOD_SPECS, spec_of


def test_every_method_can_be_told_from_the_others() -> None:
    assert {name: spec.name for name, spec in METHOD_SPECS.items()} == {name: name for name in METHOD_SPECS}
    for look in ({spec.label for spec in METHOD_SPECS.values()}, {(s.colour, s.marker) for s in METHOD_SPECS.values()}):
        assert len(look) == len(METHOD_SPECS)
    assert all(find_spec(spec.module) for spec in METHOD_SPECS.values())


def test_a_method_of_another_version_has_no_properties() -> None:
    for name in ("of_tomorrow", "", None):
        assert (spec_of(name).name, spec_of(name).size_key, spec_of(name).settings) == ("", None, ())
    assert spec_of("prefix") is METHOD_SPECS["prefix"]

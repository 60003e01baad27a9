"""The written form of result.json: what readers may rely on."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from prefixrun.runs.result_schema import COSTS, PARAMETERS, SCHEMA_VERSION, TOP_LEVEL, validate_result
from small_run import RESULT
from spoiled_results import NESTED, REMOVED, spoiled

VALID: dict[str, Any] = {
    **RESULT,
    "schema_version": SCHEMA_VERSION,
    "run_id": "0123456789ab",
    "scores": {**RESULT["scores"], "METEOR": {"value": None, "signature": "refs:1", "reason": "no Java"}},
    "costs": {**RESULT["costs"], "decode_seconds": None},
    "provenance": {"python": "3.11"},
}


def test_the_fields_of_the_contract_are_all_checked() -> None:
    promised = (
        "run_id profile task model method prefix_len init seed data_source split n_train n_inputs scores parameters "
        "costs provenance"
    )
    assert set(TOP_LEVEL) == set(promised.split())
    assert PARAMETERS == ("trained", "stored", "total")
    assert COSTS == ("train_seconds", "train_tokens", "decode_seconds", "peak_memory_bytes")


def test_a_complete_result_has_no_problems_and_may_have_more_fields() -> None:
    assert validate_result(VALID) == []
    assert validate_result({**VALID, "more": [1]}) == []
    assert validate_result({**VALID, "prefix_len": None, "init": None}) == []


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_a_missing_field_is_named(name: str) -> None:
    assert validate_result({key: value for key, value in VALID.items() if key != name}) == [f"{name} is missing"]


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("seed", "101", "seed is '101', expected a whole number"),
        ("seed", True, "seed is True, expected a whole number"),
        ("n_inputs", 2.0, "n_inputs is 2.0, expected a whole number"),
        ("prefix_len", "5", "prefix_len is '5', expected a whole number or null"),
        ("scores", [], "scores is [], expected an object"),
        ("scores", {}, "scores is empty"),
        ("scores.BLEU", 12.5, "scores.BLEU is 12.5, expected an object"),
        ("scores.BLEU.value", "12", "scores.BLEU.value is '12', expected a number or null"),
        ("scores.BLEU.value", None, "scores.BLEU is null without a reason"),
        ("scores.METEOR.reason", "", "scores.METEOR is null without a reason"),
        ("scores.BLEU.signature", "", "scores.BLEU.signature is missing"),
        ("parameters.stored", None, "parameters.stored is None, expected a whole number, not negative"),
        ("parameters.stored", -1, "parameters.stored is -1, expected a whole number, not negative"),
        ("costs.train_seconds", "1", "costs.train_seconds is '1', expected a whole number or a number or null"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(place: str, value: object, problem: str) -> None:
    problems = validate_result(spoiled(VALID, place, value))
    assert len(problems) == 1
    assert problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"settings": None}, "settings is None, expected an object"),
        (
            {"settings": {"train": {"max_steps": "1"}}},
            "settings.train.max_steps is '1', expected a whole number or null",
        ),
        ({"settings": {"keep_trained": 1}}, "settings.keep_trained is 1, expected true or false"),
        ({"n_inputs_available": "4"}, "n_inputs_available is '4', expected a whole number or null"),
        ({"data": {"train": None}}, "data.train is None, expected an object with a list of files"),
        ({"data": {"train": {"files": [1]}}}, "data.train is {'files': [1]}, expected an object with a list of files"),
        ({"training": {"history": None}}, "training.history is None, expected a list"),
        ({"training": {"history": [{"dev_loss": 1.0}]}}, "training.history has {'dev_loss': 1.0}, expected an object"),
        ({"training": {"history": [{"dev_loss": "x"}]}}, "training.history has {'dev_loss': 'x'}, expected an object"),
        ({"backbone": 1}, "backbone is 1, expected an object"),
        ({"provenance": {"packages": None}}, "provenance.packages is None, expected an object"),
    ],
)
def test_what_may_be_left_out_is_checked_where_it_is_there(more: dict[str, object], problem: str) -> None:
    (found,) = validate_result({**VALID, **more})
    assert found.startswith(problem)


REFUSED: Mapping[str, tuple[Any, ...]] = {
    "provenance": ([], None),
    "provenance.git": ("abc", {"commit": 1}),
    "provenance.time": (5,),
    "provenance.command": (["a"],),
    "provenance.packages": ({"torch": 2},),
    "provenance.threads": ("4",),
    "provenance.semantics": ({},),
    "costs.train_seconds": (1e308, -1, "1"),
    "costs.decode_seconds": (REMOVED,),
    "costs.train_steps": ([],),
    "costs.peak_memory_bytes": (10**30,),
    "data": ([],),
    "data.train": (1, {"files": {}}, {"files": [1]}, {"files": [{"sha256": 1}]}, {"version": [], "files": []}),
    "n_inputs": (0, -5, None, 1.5),
    "n_train": ("all", 10**30),
    "n_train_available": ({},),
    "n_inputs_available": (-1,),
    "prefix_len": (0, True),
    "seed": (None,),
    "task": ("../../x", "\x1b[31m"),
    "method": (["prefix"],),
    "init": ({},),
    "split": ("",),
    "profile": (3,),
    "scores": ([], {}),
    "scores.BLEU": (50.0,),
    "scores.BLEU.value": ("50", -1e308, [1]),
    "scores.BLEU.signature": (None,),
    "scores.BLEU.reason": ({},),
    "parameters.stored": (None,),
    "parameters.total": (-1,),
    "parameters.trained": (1e3,),
    "settings": (None, [1]),
    "settings.train": (1,),
    "settings.train.lr": ("fast",),
    "settings.train.batch_size": (0,),
    "settings.decode.beams": (None,),
    "settings.model": ("gpt2",),
    "settings.precision": ([],),
    "settings.data_fraction": ({},),
    "settings.train.lr.x": (1,),
    "settings.a.b": (NESTED,),
    "settings.task.metrics": ({},),
    "training": (1,),
    "training.history": ({}, [1], [{"dev_loss": "low"}]),
    "backbone": ("gpt2",),
    "backbone.sha256": (1,),
    "schema_version": ("1", REMOVED),
    "note": (10**200, NESTED),
}
"""Dotted place → values that no run writes there."""


@pytest.mark.parametrize("place", REFUSED)
def test_a_value_that_no_run_writes_is_refused(place: str) -> None:
    for value in REFUSED[place]:
        assert validate_result(spoiled(VALID, place, value)), value


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_another_schema_version_is_refused_whole(version: object) -> None:
    assert validate_result({"schema_version": version}) == [
        f"schema_version is {version!r}, this version reads {SCHEMA_VERSION}"
    ]


def test_what_is_no_object_is_refused() -> None:
    assert validate_result([VALID]) == ["is not an object"]


def test_all_problems_are_reported_together() -> None:
    result = copy.deepcopy(VALID)
    del result["parameters"]["total"]
    del result["costs"]["train_tokens"]
    result["scores"]["BLEU"] = None
    assert validate_result(result) == [
        "parameters.total is missing",
        "costs.train_tokens is missing",
        "scores.BLEU is None, expected an object",
    ]

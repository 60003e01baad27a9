"""What a run is: the ids of all committed records, recomputed from what their results hold."""

from typing import Any

import pytest

from checkout import ROOT
from prefixrun.config.compose import compose
from prefixrun.config.setting_roles import RETIRED
from prefixrun.errors import ConfigError
from prefixrun.results.lookup import config_of
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from prefixrun.runs.identity import changed_from, identity_of
from prefixrun.runs.run import run_id
from prefixrun.runs.version import SEMANTICS

RECORDS = {
    record.run_id: record
    for tree in (ROOT / "results", ROOT / "results" / "search")
    for record in load_records(tree, ("records",)).runs
}
EARLIER = {"194e287043fd": "made by a version whose results did not hold the profile and the sizes of batches"}
"""Records whose ids this version cannot recompute, and why."""


def recomputed(record: Record) -> str:
    result = record.result
    identity = identity_of(
        config_of(record, model_path="DIR"),
        model=result["backbone"]["sha256"],
        data={split: result["data"][split]["files"] for split in ("train", "dev", "test")},
        semantics=result["provenance"]["semantics"],
    )
    return run_id(identity)


def test_the_ids_of_all_committed_records_are_the_same() -> None:
    assert len(RECORDS) > 150
    others = {name: record for name, record in RECORDS.items() if name not in EARLIER}
    assert {name: recomputed(record) for name, record in others.items()} == {name: name for name in others}


@pytest.mark.parametrize("name", EARLIER)
def test_the_records_of_earlier_versions_are_named(name: str) -> None:
    with pytest.raises(ConfigError, match="profile: is not set"):
        recomputed(RECORDS[name])


def test_settings_of_earlier_versions_do_not_count() -> None:
    record = next(record for name, record in RECORDS.items() if name not in EARLIER)
    settings = {**record.result["settings"], **dict.fromkeys(RETIRED, 4)}
    older = Record(record.directory, {**record.result, "settings": settings})
    assert recomputed(older) == record.run_id
    assert older.settings == record.settings
    assert older.group_key == record.group_key


def test_a_key_that_is_added_with_its_default_changes_no_identity() -> None:
    defaults: dict[str, Any] = {"lr": "???", "steps": 5, "decode": {"beams": 5}}
    assert changed_from(defaults, {"lr": 0.1, "steps": 5, "decode": {"beams": 3}}) == {
        "lr": 0.1,
        "decode": {"beams": 3},
    }
    assert changed_from({}, {"new": 1}) == {"new": 1}


def test_semantics_under_which_runs_are_the_same_make_no_other_run() -> None:
    """Semantics 2 has other scores for a few texts than 1; 3 to 6 round differently."""
    record = next(record for name, record in RECORDS.items() if name not in EARLIER)
    ids = []
    for semantics in range(1, SEMANTICS + 2):
        provenance = {**record.result["provenance"], "semantics": semantics}
        ids.append(recomputed(Record(record.directory, {**record.result, "provenance": provenance})))
    assert {record.run_id} == set(ids[:-1])
    assert ids[-1] != record.run_id


def test_the_instruction_of_a_chat_counts_wherever_it_comes_from() -> None:
    def of(*words: str) -> dict[str, Any]:
        return identity_of(compose(["model=tiny_llama", "method=embedding", *words]), model="m", data={})

    chat = ("model.layout=chat", "init.default_words=x")
    task = "task.instruction=Write one sentence about this restaurant:"
    assert of(*chat) == of(*chat, task)
    assert of(*chat) != of(*chat, "task.instruction=Tell me") == of(*chat, "task.default_words=Tell me")
    assert "instruction" not in of("model.layout=lines")["settings"]["task"]


def test_the_words_of_a_prompt_count_beside_those_of_an_initialisation() -> None:
    def identity(*overrides: str) -> dict[str, Any]:
        return identity_of(compose(["method=prompt", *overrides]), model="", data={})

    assert identity("task.default_words=A") != identity("task.default_words=B")
    assert identity("init.default_words=X", "task.default_words=A") != identity(
        "init.default_words=X", "task.default_words=B"
    )
    assert identity("init.default_words=X", "task.default_words=A") != identity("task.default_words=X")

"""What run groups are called."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.analysis.group_labels import amount_text, circumstances, decoding_text, labels, share_text
from synthetic_records import groups_in, write_record


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({}, "prefix-tuning, length 10, words"),
        ({"init_words": "active"}, "prefix-tuning, length 10, “active”"),
        ({"train_size": 500, "init.name": "random"}, "prefix-tuning, length 10, random, 500 pairs"),
        ({"method.name": "finetune"}, "fine-tuning"),
        ({"method.name": "adapter"}, "adapter, 0.086 %"),
        ({"train.objective": "distill"}, "prefix-tuning, distilled, length 10, words"),
    ],
)
def test_a_label_names_method_size_initialisation_and_part(
    tmp_path: Path, settings: dict[str, Any], label: str
) -> None:
    write_record(tmp_path, settings=settings)
    (group,) = groups_in(tmp_path)
    assert labels([group]) == {group: label}
    assert share_text(group) == ("0.086 %" if "adapter" in label else "")


def test_groups_of_one_label_name_the_settings_in_which_they_differ(tmp_path: Path) -> None:
    for rate in (1e-3, 5e-3):
        write_record(tmp_path, settings={"train.lr": rate})
    assert list(labels(groups_in(tmp_path)).values()) == [
        "prefix-tuning, length 10, words, lr=0.001",
        "prefix-tuning, length 10, words, lr=0.005",
    ]


def test_groups_that_no_setting_tells_apart_name_a_run(tmp_path: Path) -> None:
    for weights in ("1", "2"):
        write_record(tmp_path, settings={"seed": int(weights)}, result={"backbone": {"sha256": weights * 64}})
    groups = groups_in(tmp_path)
    assert {group: label.rpartition(", ")[2] for group, label in labels(groups).items()} == {
        group: f"point of run {group.first.run_id}" for group in groups
    }


@pytest.mark.parametrize(
    ("settings", "result", "texts"),
    [
        ({}, {}, ("42,061 pairs", "beam 5", "laptop profile, 1,600 pairs from 42,061")),
        ({"train_size": 500, "decode.beams": 1}, {}, ("500 pairs", "greedy", "laptop profile, 500 pairs")),
        (
            {"train.max_steps": 100, "precision": "bf16"},
            {"n_inputs_available": 630, "data_source": "sample"},
            (
                "1,600 of 42,061 pairs, bf16",
                "beam 5",
                "laptop profile, sample corpus, 1,600 pairs from 42,061, 60 of 630 inputs",
            ),
        ),
    ],
)
def test_circumstances(
    tmp_path: Path, settings: dict[str, Any], result: dict[str, Any], texts: tuple[str, ...]
) -> None:
    write_record(tmp_path, settings=settings, result=result)
    (group,) = groups_in(tmp_path)
    assert (amount_text(group), decoding_text(group.first), circumstances(group)) == texts


def test_a_method_that_trains_nothing_has_seen_no_pairs(tmp_path: Path) -> None:
    costs = dict.fromkeys(("train_seconds", "train_tokens", "train_steps"), 0) | {
        "decode_seconds": 1.0,
        "peak_memory_bytes": None,
    }
    write_record(tmp_path, settings={"method.name": "prompt"}, result={"costs": costs})
    (group,) = groups_in(tmp_path)
    assert circumstances(group) == "laptop profile, no training of its own"

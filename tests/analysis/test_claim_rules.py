"""Which runs stand against each other in a claim, and what their difference says."""

from pathlib import Path
from typing import Any

import pytest

from claim_findings import THREE, findings, prefix, write_four, write_sides, write_subsamples
from claim_findings import other as other_method
from synthetic_records import write_record

PREFIX: tuple[str, float, dict[str, Any]] = ("prefix", 0.7, {})


@pytest.mark.parametrize(
    ("other", "outcomes"),
    [
        (("embedding", 0.3, {}), {"C15": "holds"}),
        (("embedding", 0.3, {"decode.beams": 1}), {"C15": "no runs"}),
        (("embedding", 0.3, {"task.linearisation": "other"}), {"C15": "no runs"}),
        (("adapter", 0.3, {"stored": 4_000_000}), {"C1": "no runs", "C3": "holds"}),
        (("finetune", 0.9, {}), {"C2": "does not hold", "C4": "cannot be tested here"}),
        (("prefix", 0.3, {"init.name": "random"}), {"C18": "does not hold", "C17": "no runs"}),
        (("prefix", 0.3, {"init.name": "random", "train.lr": 1e-6}), {"C18": "no runs"}),
        (("prefix_flat", 0.3, {}), {"C20": "holds"}),
    ],
)
def test_which_runs_stand_against_prefix_tuning(
    tmp_path: Path, other: tuple[str, float, dict[str, Any]], outcomes: dict[str, str]
) -> None:
    for method, quality, settings in (PREFIX, other):
        write_four(tmp_path, method, quality, **settings)
    found = findings(tmp_path)
    assert {claim: found[claim].outcome for claim in outcomes} == outcomes


def test_one_run_each_decides_nothing_beyond_its_inputs(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.5, seeds=[1])
    write_four(tmp_path, "embedding", 0.1, seeds=[1])
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert "one run says nothing about seeds" in evidence.text
    assert evidence.outcome == "too few runs", "a clear difference over inputs; nobody knows what another seed gives"
    write_four(tmp_path, "prefix", 0.5, seeds=[2])
    write_four(tmp_path, "embedding", 0.1, seeds=[2])
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert evidence.outcome == "too few runs", "two may be close by chance"
    assert findings(tmp_path)["C15"].outcome == "undecided"


def test_single_runs_do_not_keep_a_claim_open_that_others_decide(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7)
    write_four(tmp_path, "embedding", 0.3)
    write_four(tmp_path, "prefix", 0.7, seeds=[1], precision="bf16")
    write_four(tmp_path, "embedding", 0.3, seeds=[1], precision="bf16")
    found = findings(tmp_path)["C15"]
    assert sorted(each.outcome for each in found.evidence) == ["holds", "too few runs"]
    assert found.outcome == "holds"


def test_initialisation_from_other_words_does_not_speak_for_prefix_tuning(tmp_path: Path) -> None:
    write_subsamples(tmp_path, "prefix", 0.7, train_size=100)
    write_subsamples(tmp_path, "prefix", 0.2, train_size=100, **{"init.default_words": "elephant"})
    write_subsamples(tmp_path, "prefix", 0.4, train_size=100, **{"init.name": "random"})
    (evidence,) = findings(tmp_path)["C17"].evidence
    assert "elephant" not in evidence.text
    assert evidence.outcome == "holds"


def test_the_usual_initialisation_speaks_however_few_runs_it_has(tmp_path: Path) -> None:
    write_four(tmp_path, "finetune", 0.5)
    write_four(tmp_path, "prefix", 0.7, seeds=range(3), prefix_len=5, **{"init.name": "random"})
    write_four(tmp_path, "prefix", 0.2, seeds=[1], prefix_len=10)
    (evidence,) = findings(tmp_path)["C2"].evidence
    assert "init=words, length 10" in evidence.text
    assert evidence.outcome == "too few runs"


def test_the_length_is_that_of_the_papers_table(tmp_path: Path) -> None:
    for length in (1, 5, 10):
        write_four(tmp_path, "prefix", 0.5, prefix_len=length)
        write_four(tmp_path, "embedding", 0.3, prefix_len=length)
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert evidence.text.count("length 5") == 2


def test_adapters_of_both_sizes_speak_for_adapters(tmp_path: Path) -> None:
    on_webnlg = {"task.name": "webnlg"}
    write_four(tmp_path, "finetune", 0.5, **on_webnlg)
    write_four(tmp_path, "prefix", 0.5, **on_webnlg)
    write_four(tmp_path, "adapter", 0.7, stored=134_515, **on_webnlg, **{"method.bottleneck": 1})
    write_four(tmp_path, "adapter", 0.3, stored=4_035_450, **on_webnlg, **{"method.bottleneck": 30})
    found = findings(tmp_path)["C12"]
    assert [each.outcome for each in found.evidence] == ["holds", "does not hold"] * 2
    assert found.outcome == "does not hold"


def test_scores_with_different_signatures_decide_nothing(tmp_path: Path) -> None:
    for method, way in (("prefix", "slots:1"), ("finetune", "slots:2")):
        for seed in range(4):
            score = {"SLOT_ERROR": {"value": 20.0 if method == "prefix" else 30.0, "signature": way, "reason": None}}
            write_record(
                tmp_path,
                settings={"method.name": method, "seed": seed, "train_size": 100},
                result={"scores": score},
            )
    (evidence,) = findings(tmp_path)["C9"].evidence
    assert evidence.outcome == "undecided"
    assert "have different signatures" in evidence.text


def test_all_data_means_all_of_it(tmp_path: Path) -> None:
    for steps in (100, None):
        assert findings(tmp_path)["C18"].outcome == "no runs"
        write_four(tmp_path, "prefix", 0.5, **{"train.max_steps": steps})
        write_four(tmp_path, "prefix", 0.5, **{"train.max_steps": steps, "init.name": "random"})
    assert findings(tmp_path)["C18"].outcome in ("holds", "undecided")


def test_arms_have_had_equal_training_and_the_most_there_is(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.3, **{"train.max_steps": 100})
    write_four(tmp_path, "prefix", 0.6, **{"train.max_steps": 400})
    write_four(tmp_path, "embedding", 0.5, **{"train.max_steps": 100})
    (one,) = findings(tmp_path)["C15"].evidence
    assert "1,600 of 42,061 pairs" in one.text
    assert one.outcome == "does not hold"
    write_four(tmp_path, "embedding", 0.3, **{"train.max_steps": 400})
    (one,) = findings(tmp_path)["C15"].evidence
    assert "6,400 of 42,061 pairs" in one.text
    assert one.outcome == "holds"


def test_errors_count_the_other_way(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7, **{"task.name": "webnlg"})
    write_four(tmp_path, "finetune", 0.3, **{"task.name": "webnlg"})
    evidence = {
        each.text.partition(": ")[2].partition(" of")[0]: each.outcome for each in findings(tmp_path)["C10"].evidence
    }
    assert evidence["BLEU unseen"] == "holds"
    assert evidence["TER unseen"] == "holds"
    assert evidence["METEOR unseen has no value in these runs"] == "undecided"


def test_words_against_random_are_judged_at_each_small_size(tmp_path: Path) -> None:
    for size in (50, 100):
        write_subsamples(tmp_path, "prefix", 0.7, train_size=size)
        write_subsamples(tmp_path, "prefix", 0.3, train_size=size, **{"init.name": "random"})
    found = findings(tmp_path)
    assert found["C17"].outcome == "holds"
    assert len(found["C17"].evidence) == 2
    assert found["C18"].outcome == "no runs"


def test_a_share_of_the_data_is_tried_on_three_subsamples(tmp_path: Path) -> None:
    """Three seeds of one subsample say nothing of other pairs; all pairs are the same for every seed."""
    for seed in range(3):
        settings = {"data_fraction": 0.4, "subsample_seed": 1}
        write_four(tmp_path, "prefix", 0.7, seeds=[seed], **settings, **{"init.name": "random"})
        write_four(tmp_path, "finetune", 0.3, seeds=[seed], **settings)
    (evidence,) = findings(tmp_path)["C19"].evidence
    assert evidence.outcome == "too few runs"
    assert "subsample" in evidence.text
    for subsample in (2, 3):
        settings = {"data_fraction": 0.4, "subsample_seed": subsample}
        write_four(tmp_path, "prefix", 0.7, seeds=[1], **settings, **{"init.name": "random"})
        write_four(tmp_path, "finetune", 0.3, seeds=[1], **settings)
    (evidence,) = findings(tmp_path)["C19"].evidence
    assert "n = 5 runs on 3 subsamples" in evidence.text
    assert evidence.outcome == "holds"


def test_all_of_the_data_is_tried_on_seeds(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7, **{"init.name": "random"})
    write_four(tmp_path, "finetune", 0.3)
    write_four(tmp_path, "prefix", 0.3, data_fraction=0.2, **{"init.name": "random"})
    write_four(tmp_path, "finetune", 0.7, data_fraction=0.2)
    (evidence,) = findings(tmp_path)["C19"].evidence
    assert evidence.outcome == "holds", "a fifth itself is not above a fifth"


FIVE = (1, 2, 3, 4, 5)
ON_GPU = {"provenance": {"semantics": 1, "accelerator": "a GPU"}}


def test_one_run_on_another_processor_does_not_take_evidence_away(tmp_path: Path) -> None:
    """Also not where it is the first of its group."""
    write_sides(tmp_path, prefix(seeds=FIVE), other_method("embedding", seeds=FIVE))
    write_sides(tmp_path, prefix(seeds=(0,), result=ON_GPU))
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert (evidence.outcome, "n = 5;" in evidence.text) == ("holds", True)


SOME, ALL = ({"test_size": inputs, "result": {"n_inputs": inputs, "n_inputs_available": 30}} for inputs in (20, 30))


def test_runs_scored_on_other_numbers_of_inputs_are_two_pieces_of_evidence_that_say_so(tmp_path: Path) -> None:
    for inputs, seeds in ((SOME, FIVE), (ALL, (6, 7, 8))):
        write_sides(tmp_path, prefix(seeds=seeds, **inputs), other_method("embedding", seeds=seeds, **inputs))
    texts = sorted(each.text for each in findings(tmp_path)["C15"].evidence)
    assert [" inputs: BLEU of" in text for text in texts] == [True, False]
    assert ", 20 inputs: BLEU of" in texts[0]


@pytest.mark.parametrize(
    ("seeds", "changes", "counts_once"),
    [
        (FIVE, {}, True),
        (THREE, {}, False),  # not all of the runs
        (FIVE, {"train.lr": 1e-4}, False),  # another training
        (FIVE, {"result": ALL["result"] | {"backbone": {"sha256": "3" * 64}}}, False),
        (FIVE, {"result": ALL["result"] | {"scores": {}}}, False),
    ],
)
def test_trainings_scored_again_on_more_inputs_count_once(
    tmp_path: Path, seeds: tuple[int, ...], changes: dict[str, Any], counts_once: bool
) -> None:
    write_sides(tmp_path, prefix(seeds=FIVE, **SOME), other_method("embedding", seeds=FIVE, **SOME))
    of_all = {"seeds": seeds, **ALL, **changes}
    write_sides(tmp_path, prefix(**of_all), other_method("embedding", **of_all))
    evidence = findings(tmp_path)["C15"].evidence
    assert any(", 20 inputs: BLEU of" in each.text for each in evidence) is not counts_once


def test_runs_of_two_processors_are_two_pieces_of_evidence_that_say_so(tmp_path: Path) -> None:
    for seeds, result in ((FIVE, {}), ((6, 7, 8), ON_GPU)):
        alike = {"seeds": seeds, "result": result}
        write_sides(tmp_path, prefix(**alike), other_method("embedding", **alike))
    texts = sorted(each.text for each in findings(tmp_path)["C15"].evidence)
    assert ["SmolLM2-135M on a GPU, " in text for text in texts] == [True, False]
    assert ["n = 3;" in texts[0], "n = 5;" in texts[1]] == [True, True]


def test_two_common_seeds_of_many_runs_are_not_all_there_is(tmp_path: Path) -> None:
    """Arms of five runs with too few common seeds are compared unpaired."""
    write_sides(tmp_path, prefix(seeds=FIVE), other_method("embedding", seeds=(4, 5, 6, 7, 8)))
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert (evidence.outcome, "n = 5" in evidence.text) == ("holds", True)


def test_seeds_on_one_drawn_part_are_one_unit_whatever_its_size(tmp_path: Path) -> None:
    write_sides(tmp_path, *(side | {"train_size": 2000} for side in (prefix(), other_method("embedding"))))
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert (evidence.outcome, "2 more subsamples" in evidence.text) == ("too few runs", True)


def test_the_seed_of_a_subsample_does_not_matter_where_none_is_drawn(tmp_path: Path) -> None:
    for seeds, subsamples in (((1, 2), (0,)), ((3, 4), (5,))):
        alike = {"seeds": seeds, "subsamples": subsamples}
        write_sides(tmp_path, prefix(**alike), other_method("embedding", **alike))
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert (evidence.outcome, "n = 4;" in evidence.text) == ("holds", True)

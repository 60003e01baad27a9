"""What runs say about the paper's claims."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from prefixrun.analysis.claims import CLAIMS, Finding, evaluate, markdown
from prefixrun.results.records import load_records
from synthetic_records import write_record


def findings(directory: Path) -> dict[str, Finding]:
    return {each.claim.name: each for each in evaluate(load_records(directory).runs)}


def write(directory: Path, method: str, quality: float, seeds: Iterable[int] = range(4), **more: object) -> None:
    stored = more.pop("stored", 115_200)
    for seed in seeds:
        settings = {"method.name": method, "seed": seed, **more}
        write_record(directory, settings=settings, quality=quality, stored=stored, inputs=200)  # type: ignore[arg-type]


def test_every_claim_of_the_list_is_there_and_said_in_one_sentence() -> None:
    assert [claim.name for claim in CLAIMS] == [f"C{number}" for number in range(1, 25)]
    for claim in CLAIMS:
        assert claim.statement.endswith(".")
        assert claim.needs
        assert not claim.needs.endswith(".")


def test_without_runs_nothing_is_claimed(tmp_path: Path) -> None:
    outcomes = {each.outcome for each in evaluate([])}
    assert outcomes == {"no runs", "not computed"}
    assert "## C1:" not in markdown(evaluate([]))


@pytest.mark.parametrize(
    ("prefix", "finetune", "outcome"), [(0.7, 0.4, "holds"), (0.4, 0.7, "does not hold"), (0.5, 0.5, "undecided")]
)
def test_low_data_is_judged_over_all_sizes(tmp_path: Path, prefix: float, finetune: float, outcome: str) -> None:
    for size in (50, 100, 500):
        write(tmp_path, "prefix", prefix, train_size=size)
        write(tmp_path, "finetune", finetune, train_size=size)
    found = findings(tmp_path)["C8"]
    assert found.outcome == outcome
    (evidence,) = found.evidence
    assert "mean over 50, 100, 500 pairs: BLEU of prefix-tuning from words minus fine-tuning" in evidence.text
    assert re.search(r"\[[+−][\d.]+, [+−][\d.]+\], n = 4", evidence.text)
    assert len(evidence.run_ids) == 24


def test_one_run_each_decides_nothing_beyond_its_inputs(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.5, seeds=[1])
    write(tmp_path, "embedding", 0.1, seeds=[1])
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert "one run says nothing about seeds" in evidence.text
    assert evidence.outcome == "undecided", "a clear difference over inputs, and nobody knows what another seed gives"
    write(tmp_path, "prefix", 0.5, seeds=[2])
    write(tmp_path, "embedding", 0.1, seeds=[2])
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert evidence.outcome == "undecided", "two may be close by chance"


def test_a_start_at_other_words_does_not_speak_for_prefix_tuning(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7, seeds=range(3), train_size=100)
    write(tmp_path, "prefix", 0.2, seeds=range(4), train_size=100, **{"init.default_words": "elephant"})
    write(tmp_path, "prefix", 0.4, seeds=range(3), train_size=100, **{"init.name": "random"})
    (evidence,) = findings(tmp_path)["C17"].evidence
    assert "elephant" not in evidence.text
    assert evidence.outcome == "holds"


def test_starts_are_compared_where_nothing_else_differs(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7, train_size=100)
    write(tmp_path, "prefix", 0.3, train_size=100, **{"init.name": "random", "train.lr": 1e-6})
    assert findings(tmp_path)["C17"].outcome == "no runs"


def test_more_runs_speak_before_fewer_of_a_nicer_setting(tmp_path: Path) -> None:
    write(tmp_path, "finetune", 0.5)
    write(tmp_path, "prefix", 0.7, seeds=range(3), prefix_len=5, **{"init.name": "random"})
    write(tmp_path, "prefix", 0.2, seeds=[1], prefix_len=10)
    (evidence,) = findings(tmp_path)["C2"].evidence
    assert "from random, length 5" in evidence.text


def test_the_length_is_that_of_the_papers_table(tmp_path: Path) -> None:
    for length in (1, 5, 10):
        write(tmp_path, "prefix", 0.5, prefix_len=length)
        write(tmp_path, "embedding", 0.3, prefix_len=length)
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert evidence.text.count("length 5") == 2


@pytest.mark.parametrize(
    "other",
    [{"decode.beams": 1}, {"task.linearisation": "other"}, {"model.name": "gpt2_medium"}, {"precision": "bf16"}],
)
def test_sides_share_everything_but_the_method(tmp_path: Path, other: dict[str, object]) -> None:
    write(tmp_path, "prefix", 0.7)
    write(tmp_path, "embedding", 0.3, **other)
    assert findings(tmp_path)["C15"].outcome == "no runs"


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
    for steps, claim in ((100, "no runs"), (None, "holds")):
        write(tmp_path, "prefix", 0.5, **{"train.max_steps": steps})
        write(tmp_path, "prefix", 0.5, **{"train.max_steps": steps, "init.name": "random"})
        assert findings(tmp_path)["C18"].outcome in (claim, "undecided" if steps is None else claim)
    assert findings(tmp_path)["C18"].outcome != "no runs"


def test_times_are_compared_within_a_machine(tmp_path: Path) -> None:
    for seed, cpu, seconds in ((1, "A", 60.0), (2, "B", 600.0)):
        for method in ("prefix", "finetune")[: 2 if cpu == "A" else 1]:
            costs = {"train_seconds": seconds, "train_tokens": 1000, "decode_seconds": 1.0, "peak_memory_bytes": 2**30}
            costs |= {"train_seconds": seconds * (1 if method == "prefix" else 2)}
            write_record(
                tmp_path,
                settings={"method.name": method, "seed": seed},
                result={"costs": costs, "provenance": {"cpu": cpu}},
            )
    (evidence,) = findings(tmp_path)["C21"].evidence
    assert "0.50 times" in evidence.text
    assert len(evidence.run_ids) == 2


def test_a_task_of_ones_own_says_nothing_of_the_paper(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7)
    assert findings(tmp_path)["C22"].outcome == "holds"
    for path in tmp_path.glob("records/*/result.json"):
        path.write_text(
            path.read_text(encoding="utf-8").replace('"task": "e2e"', '"task": "recipes"'), encoding="utf-8"
        )
    assert {each.outcome for each in findings(tmp_path).values()} == {"no runs", "not computed"}


def test_a_subsample_seed_that_draws_nothing_makes_no_repeats(tmp_path: Path) -> None:
    for subsample in range(3):
        write_record(tmp_path, settings={"subsample_seed": subsample})
    write_record(tmp_path, settings={"method.name": "embedding"}, quality=0.2)
    (evidence,) = findings(tmp_path)["C15"].evidence
    assert "n = 1" in evidence.text


def test_a_claim_of_two_parts_needs_both(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7)
    write(tmp_path, "finetune_top", 0.3, stored=7_000_000)
    assert findings(tmp_path)["C1"].outcome == "undecided"
    write(tmp_path, "adapter", 0.3, stored=130_000)
    assert findings(tmp_path)["C1"].outcome == "holds"


def test_adapters_are_told_apart_by_their_size(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7)
    write(tmp_path, "adapter", 0.3, stored=4_000_000)
    found = findings(tmp_path)
    assert found["C1"].outcome == "no runs"
    assert found["C3"].outcome == "holds"


def test_sides_have_had_equal_training_and_the_most_there_is(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.3, **{"train.max_steps": 100})
    write(tmp_path, "prefix", 0.6, **{"train.max_steps": 400})
    write(tmp_path, "embedding", 0.4, **{"train.max_steps": 100})
    (one,) = findings(tmp_path)["C15"].evidence
    assert "1,600 of 42,061 pairs" in one.text
    assert one.outcome == "does not hold"
    write(tmp_path, "embedding", 0.3, **{"train.max_steps": 400})
    (one,) = findings(tmp_path)["C15"].evidence
    assert "6,400 of 42,061 pairs" in one.text
    assert one.outcome == "holds"


def test_errors_count_the_other_way(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7, **{"task.name": "webnlg"})
    write(tmp_path, "finetune", 0.3, **{"task.name": "webnlg"})
    evidence = {
        each.text.partition(": ")[2].partition(" of")[0]: each.outcome for each in findings(tmp_path)["C10"].evidence
    }
    assert evidence["BLEU unseen"] == "holds"
    assert evidence["TER unseen"] == "holds"
    assert evidence["METEOR unseen has no value in these runs"] == "undecided"


def test_words_against_random_are_judged_at_each_small_size(tmp_path: Path) -> None:
    for size in (50, 100):
        write(tmp_path, "prefix", 0.7, train_size=size)
        write(tmp_path, "prefix", 0.3, train_size=size, **{"init.name": "random"})
    found = findings(tmp_path)
    assert found["C17"].outcome == "holds"
    assert len(found["C17"].evidence) == 2
    assert found["C18"].outcome == "no runs"


def test_a_longer_prefix_must_help_first_and_then_not(tmp_path: Path) -> None:
    for length, quality in ((1, 0.2), (10, 0.6), (40, 0.9)):
        write(tmp_path, "prefix", quality, prefix_len=length)
    found = findings(tmp_path)["C13"]
    assert [each.outcome for each in found.evidence] == ["holds", "does not hold"]
    assert found.outcome == "does not hold"


def test_costs_are_judged_by_their_ratios(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.5)
    write(tmp_path, "finetune", 0.5, stored=134_515_008)
    found = findings(tmp_path)
    assert found["C21"].outcome == "holds"
    assert "peak memory 1.9 against 2.9 GiB" in found["C21"].evidence[0].text
    assert found["C22"].outcome == "holds"
    assert "1,168 times fewer" in found["C22"].evidence[0].text


def test_the_sample_corpus_and_random_models_say_nothing(tmp_path: Path) -> None:
    for method, quality in (("prefix", 0.7), ("embedding", 0.3)):
        write_record(tmp_path, settings={"method.name": method}, quality=quality, data_source="sample")
        write_record(tmp_path, settings={"method.name": method, "model.source": "random"}, quality=quality)
    assert findings(tmp_path)["C15"].outcome == "no runs"


def test_the_page_has_outcomes_evidence_and_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "prefix", 0.7)
    write(tmp_path, "embedding", 0.3)
    page = markdown(evaluate(load_records(tmp_path).runs))
    assert "| C15 | Tuning the embedding layer alone is much worse. | 7.2 | holds |" in page
    assert "## C15: holds" in page
    assert "* C4 (no runs): prefix against fine-tuning on GPT-2 Large" in page
    assert re.search(r"· runs [0-9a-f]{12}, ", page)

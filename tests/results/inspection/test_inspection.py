"""Inspections of finished runs: what is measured of them, and which are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.errors import ConfigError, DataError
from prefixrun.results.inspection.inspection import Inspection, inspect_runs, page_directory
from prefixrun.results.inspection.summary import findings
from prefixrun.results.lookup import find
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from small_run import SMALL

WORDS = tuple(word for word in SMALL if "mid_dim" not in word)


def finished(*words: str, tree: str = "results") -> Record:
    before = {record.run_id for record in load_records(Path(tree)).runs}
    assert main([*WORDS, "model=tiny_gpt2", "decode=greedy", "train.lr=0.3", f"results_dir={tree}", *words]) == 0
    (run_id,) = {record.run_id for record in load_records(Path(tree)).runs} - before
    return find(Path(tree), run_id)


def inspected(*records: Record) -> list[Inspection]:
    return inspect_runs(records, examples=4, vocabulary=40)


def test_the_loss_is_that_which_the_run_has_measured(elsewhere: None) -> None:
    (found,) = inspected(finished("method=prefix_flat"))
    assert found.losses.loss == pytest.approx(found.dev_loss, rel=1e-5)
    assert (found.prefix_len, found.inputs, found.losses.pairs, found.losses.cell_pairs) == (4, 3, 4, 2)
    assert (found.candidates, found.vocabulary) == (40, 257)
    assert [each.kind for each in found.attention] == ["reading", "writing"]
    assert len(found.words[0].positions) == 4


def test_a_prefix_that_was_not_trained_is_the_words_that_it_started_from(elsewhere: None) -> None:
    """Nearly not: a training needs a rate above zero."""
    (found,) = inspected(finished("method=prefix_flat", "init_words=eats", "prefix_len=5", "train.lr=1e-9"))
    (site,) = found.words
    assert site.text == "eats"
    assert [position.nearest[0].token for position in site.positions] == ["␣", "e", "a", "t", "s"]
    assert all(position.nearest[0].cosine > 0.999 for position in site.positions)


@pytest.mark.parametrize(
    ("words", "has_words", "has_attention"),
    [
        (("method=prefix_gated", "method.layers=1"), True, True),
        (("method=prefix_plus",), False, False),
        (("method=embedding",), True, True),
        (("method=prefix_flat", "method.nested=true", "train.eval_examples=0"), True, True),
        (("method=prefix_flat", "model=tiny_bart"), True, True),
    ],
    ids=["gated", "plus", "embedding", "nested", "bart"],
)
def test_methods_with_positions_have_what_makes_sense(
    words: tuple[str, ...], has_words: bool, has_attention: bool, elsewhere: None
) -> None:
    (found,) = inspected(finished(*words))
    assert (bool(found.words), bool(found.attention)) == (has_words, has_attention)
    assert len(found.losses.positions) == 4
    assert [subject for subject, _ in findings(found)][-1] == "left out"
    assert len(found.losses.sites) == (3 if "model=tiny_bart" in words else 0)


def test_runs_that_are_inspected_together_are_compared(elsewhere: None) -> None:
    one, other = (finished("method=prefix_flat", f"seed={seed}") for seed in (1, 2))
    first, second = inspected(one, other)
    assert [each.run_id for each in first.agreements] == [other.run_id]
    assert first.agreements[0].same_positions == pytest.approx(second.agreements[0].same_positions)
    assert findings(first)[-1][1].startswith(f"with run {other.run_id} (e2e, seed 2): cosine ")
    with pytest.raises(ConfigError, match="names a run twice"):
        inspected(one, one)
    shorter = finished("method=prefix_flat", "prefix_len=3")
    with pytest.raises(ConfigError, match=r"differ in prefix_len, so that their prefixes cannot be compared"):
        inspected(one, shorter)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ("method=lora", "method.rank=2"),
            "method=lora has no positions of a prefix that could be read; inspect a run",
        ),
        (("method=prompt",), "method=prompt has no positions"),
        (("method=infix",), "the keys and values of method=infix depend on the input"),
    ],
)
def test_methods_without_a_prefix_are_refused(words: tuple[str, ...], reason: str, elsewhere: None) -> None:
    with pytest.raises(ConfigError, match=reason):
        inspected(finished(*words))


def test_what_is_not_there_any_more_is_named(elsewhere: None) -> None:
    record = finished("method=prefix_flat")
    with pytest.raises(ConfigError, match=r"was trained on a real corpus, .* give data_dir=DIR"):
        inspected(replace(record, result={**record.result, "data_source": "release"}))
    other = {"dev": {"files": [{"name": "devset.csv", "sha256": "0" * 64, "records": 1}]}}
    with pytest.raises(DataError, match=r"the dev part of e2e is another one here"):
        inspected(replace(record, result={**record.result, "data": other}))
    (record.directory / "prefix.safetensors").unlink()
    with pytest.raises(DataError, match=r"prefix\.safetensors is not there"):
        inspected(record)


def test_nothing_is_written_into_a_record(tmp_path: Path) -> None:
    record = Record(tmp_path / "records" / "one", {"run_id": "abc"})
    with pytest.raises(DataError, match="is a committed record"):
        page_directory(record)
    assert page_directory(replace(record, run_directory=tmp_path / "runs" / "one")) == tmp_path / "runs" / "one"

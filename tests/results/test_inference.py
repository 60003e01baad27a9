"""Finished runs used on inputs of one's own: alone, together in a batch, combined, and through files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from prefixrun import methods
from prefixrun.cli.main import main
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig
from prefixrun.errors import ConfigError
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.results.inference import Predictor, from_runs, outputs
from prefixrun.results.lookup import find
from prefixrun.runs.prepare import load_backbone
from tiny_methods import drawn

SOURCES = ["name : Aromi | Type : pub", "name : Cocum | Type : coffee shop | food : Chinese", "name : X"]
BEAM = DecodeConfig(name="t", beams=3, max_new_tokens=9, length_norm="generated", ban_newlines=False, batch_size=8)


def ids(results: Path) -> list[str]:
    found = [json.loads(path.read_text()) for path in (results / "runs").glob("*/result.json")]
    return [result["run_id"] for result in sorted(found, key=lambda result: result["seed"])]


def test_a_run_writes_again_what_it_wrote(results: Path) -> None:
    for run in ids(results):
        record = find(results, run[:6])
        (again,) = outputs(from_runs(results, [run]), [each["source"] for each in record.generations()])
        assert again == [each["output"] for each in record.generations()]


def test_runs_together_write_what_they_write_alone(results: Path) -> None:
    both = outputs(from_runs(results, ids(results)), SOURCES)
    assert both == [outputs(from_runs(results, [run]), SOURCES)[0] for run in ids(results)]
    assert both[0] != both[1]


def test_prefixes_are_combined(results: Path) -> None:
    (one,) = from_runs(results, ids(results), combine="concatenate")
    assert one.method.offset == 8
    with pytest.raises(ConfigError, match="length"):
        from_runs(results, ids(results), combine="average")


def test_samples_for_inputs_of_ones_own(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ids(results)[0]
    arguments = ["generate", f"run={run}", f"text={SOURCES[0]}", f"results_dir={results}", "decode=sample"]
    arguments += ["decode.max_new_tokens=8", "decode.outputs=3"]
    capsys.readouterr()

    def lines(*more: str) -> list[str]:
        assert main([*arguments, *more]) == 0
        return capsys.readouterr().out.splitlines()

    drawn = lines()
    assert len({*drawn}) == 3
    assert all(line.startswith(f"{run}  ") for line in drawn)
    assert lines() == drawn != lines("decode.seed=1")
    assert main([*arguments, "decode.beams=5"]) == 2
    assert "decode.beams=5: samples are drawn from the model" in capsys.readouterr().err


def test_a_setting_of_the_runs_own_decoding_is_changed(results: Path) -> None:
    run = ids(results)[0]
    (own,), (wider,) = from_runs(results, [run]), from_runs(results, [run], settings={"decode.beams": "3"})
    assert wider.decode == replace(own.decode, beams=3)
    assert outputs([wider], SOURCES) == outputs([replace(own, decode=wider.decode)], SOURCES)


def test_runs_that_share_a_batch_read_inputs_as_their_own_task_says(results: Path) -> None:
    """The second was given its inputs with the first one's instruction and greatest length."""
    first, second = from_runs(results, ids(results))
    short = replace(first.backbone, tokenizer=first.backbone.tokenizer.of_task(None, 6))
    predictors = [replace(first, backbone=short), second]
    together = outputs(predictors, SOURCES)
    assert together == [outputs([each], SOURCES)[0] for each in predictors]
    assert together[0] != outputs([first], SOURCES)[0]


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_bart"])
def test_a_prefix_takes_no_positions_of_an_encoder_and_an_infix_some_of_a_context(name: str) -> None:
    backbone = load_backbone(compose([f"model={name}"]))
    context, written = backbone.shape.context, 0 if backbone.is_seq2seq else BEAM.max_new_tokens
    assert context is not None
    room = context - written
    source = "a" * (room - len(backbone.tokenizer.source("")))
    assert len(backbone.tokenizer.source(source)) == room
    prefix = Predictor("run", backbone, FixedPrefix(drawn(backbone, 3)), replace(BEAM, beams=1))
    if backbone.is_seq2seq:
        assert outputs([prefix], [source])
        return
    infix = methods.build(compose([f"model={name}", "method=infix", "prefix_len=3"]), backbone)
    for predictor in (prefix, replace(prefix, method=infix)):
        with pytest.raises(ConfigError, match=f"3 of prefix or prompt, {room} of input 1"):
            outputs([predictor], [source])

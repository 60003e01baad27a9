"""What init=text and init=run name counts by its content, and what cannot be a start is refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import prefixrun
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DamagedStateError, PrefixrunError
from prefixrun.results.loaded import LoadedRun
from prefixrun.results.lookup import config_of, find
from prefixrun.results.verify import verify
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run
from prefixrun.runs.prepare import prepare
from prefixrun.runs.result_schema import validate_result
from small_run import SMALL as SMALL_RUN

SMALL = tuple(word for word in SMALL_RUN if not word.startswith("prefix_len"))
TINY = ("model=tiny_llama", "method=prefix_flat", *SMALL)
TEXT = "Say what there is to eat."

pytestmark = pytest.mark.usefixtures("elsewhere")


def of_text(*words: str) -> Config:
    return compose([*TINY, "init=text", *words])


def id_of(config: Config) -> str:
    return find_run(config).id


@pytest.fixture
def source(tmp_path: Path) -> LoadedRun:
    """A finished run of length 4."""
    return prefixrun.run([*TINY, "prefix_len=4", f"results_dir={tmp_path / 'results'}"])


@pytest.fixture
def of_run(source: LoadedRun) -> Callable[..., Config]:
    def of(*words: str) -> Config:
        results = source.directory.parent.parent
        return compose([*TINY, "init=run", f"init.run={source.run_id[:8]}", f"results_dir={results}", *words])

    return of


def test_the_prefix_is_as_long_as_the_text_unless_somebody_says_otherwise() -> None:
    assert of_text(f"init.text='{TEXT}'").prefix_len == len(TEXT) + 1
    assert of_text(f"init.text='{TEXT}'", "prefix_len=3").prefix_len == 3
    assert of_text(f"init.text='{TEXT}'", "budget=0.5%").prefix_len != len(TEXT) + 1


def test_a_text_counts_by_its_content_wherever_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(f"\n{TEXT}\n")
    ids = {id_of(of_text(f"init.text='{TEXT}'")), id_of(of_text(f"init.file={file}"))}
    assert len(ids) == 1
    file.write_text("Another text of a length of 26")
    assert id_of(of_text(f"init.file={file}", "prefix_len=26")) not in ids
    assert id_of(of_text(f"init.text='{TEXT}'", "init.positions=first")) not in ids


def test_a_start_from_a_text_trains_and_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(TEXT)
    words = [*TINY, "init=text", f"init.file={file}", "prefix_len=5", f"results_dir={tmp_path}"]
    run = prefixrun.run(words)
    assert run.result["init"] == "text"
    assert run.result["training"]["start"] == {"tokens": len(TEXT) + 1, "positions": 5, "examples": []}
    assert validate_result(run.result) == []
    assert set(run.result["forgetting"]) == {"before", "after", "tokens"}
    text = json.dumps(run.result["settings"])
    assert str(tmp_path) not in text
    assert run.result["settings"]["init"]["digest"] == compose(words).init.digest
    record = find(tmp_path, run.run_id)
    assert {check.what: check.outcome for check in verify(record)}["settings"] == "right"
    assert config_of(record).init.digest == run.result["settings"]["init"]["digest"]


def test_examples_are_recorded_by_their_ids(tmp_path: Path) -> None:
    run = prefixrun.run([*TINY, "init=examples", "init.examples=2", "prefix_len=6", f"results_dir={tmp_path}"])
    start = run.result["training"]["start"]
    subset = json.loads((run.directory / "subset.json").read_text())
    assert start["positions"] == 6
    assert len(start["examples"]) == 2
    assert set(start["examples"]) <= set(json.dumps(subset).replace('"', " ").replace(",", " ").split())


@pytest.mark.parametrize("method", ["prefix_flat", "prefix"])
def test_a_start_from_a_run_goes_on_from_its_prefix(
    of_run: Callable[..., Config], source: LoadedRun, method: str
) -> None:
    asked = of_run(f"method={method}", "train.lr=1e-30")
    assert asked.prefix_len == 4
    prepared = prepare(asked)
    assert prepared.init_source is not None
    assert prepared.init_source.run == source.run_id
    run = prefixrun.run([*TINY, "init=run", f"init.run={source.directory}", f"method={method}", "train.lr=1e-30"])
    assert run.result["training"]["start"] == {"run": source.run_id}
    before, after = (load_file(one.directory / "prefix.safetensors")["decoder"] for one in (source, run))
    if method == "prefix_flat":
        assert torch.equal(before, after)
    assert str(source.directory) not in json.dumps(run.result["settings"])


def test_another_prefix_of_the_source_is_another_run(of_run: Callable[..., Config], source: LoadedRun) -> None:
    first = id_of(of_run())
    assert first == id_of(of_run(f"init.run={source.directory}"))
    trained = source.directory / "prefix.safetensors"
    save_file({"decoder": load_file(trained)["decoder"] + 1}, trained)
    with pytest.raises(ConfigError, match=r"prefix\.safetensors: has changed since it was written"):
        of_run()
    (source.directory / "manifest.json").unlink()
    assert id_of(of_run()) != first
    with pytest.raises(ConfigError, match=r"^init\.digest=\w+….*: what init=run names has SHA-256"):
        of_run("init.digest=" + "0" * 64)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("init.run=ffffffffffff",), r"^init\.run=ffffffffffff: no finished run of .* has this id, .*`prefixrun ls`"),
        (("prefix_len=7",), r"^init\.run=.*: its prefix has length 4, and prefix_len=7; leave prefix_len out"),
        (("model=tiny_gpt2",), r"^init\.run=.*: was trained on tiny_llama with .*, and model=tiny_gpt2 is random:tin"),
        (("method=lora", "method.rank=1"), r"init\.run=.*: is only used by methods with a prefix, not by method=lora"),
        (
            ("method.layers=0-1",),
            r"^init\.run=.*: its prefix is at all layers, and this one at method\.layers=0-1; give",
        ),
        (("method=infix",), r"^init=run: does not work with method=infix; give one of words, random, "),
        (("init=words",), r"^init\.run=.*: is only used by init=run; leave it out"),
    ],
)
def test_runs_that_are_no_start_are_refused(
    of_run: Callable[..., Config], words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare(of_run(*words))


def test_runs_of_other_sites_or_methods_are_refused(tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return prefixrun.run(["model=tiny_bart", *SMALL, "prefix_len=3", f"results_dir={tmp_path}", *words])

    one = run("method=prefix_flat", "method.sites=decoder")
    with pytest.raises(ConfigError, match=r"^init\.run=.*: has a prefix at decoder, and this one is at cross, decoder"):
        run("method=prefix_flat", "init=run", f"init.run={one.run_id}")
    plus = run("method=prefix_plus")
    with pytest.raises(
        ConfigError, match=r"is a run of method=prefix_plus, which has no keys and values that could initialise"
    ):
        run("method=prefix_flat", "init=run", f"init.run={plus.run_id}")
    lora = run("method=lora", "method.rank=1")
    with pytest.raises(ConfigError, match=r"^init\.run=.*: is a run of method=lora, which has no keys and values"):
        run("method=prefix_flat", "init=run", f"init.run={lora.run_id}")


def test_a_run_without_its_prefix_is_refused(source: LoadedRun, of_run: Callable[..., Config]) -> None:
    (source.directory / "prefix.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"^init\.run=.*: prefix\.safetensors is not there: committed records"):
        of_run()


def test_a_damaged_result_is_named(source: LoadedRun, of_run: Callable[..., Config]) -> None:
    (source.directory / "result.json").write_text("{")
    with pytest.raises(PrefixrunError, match=r"^init\.run=.*result\.json"):
        of_run()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), r"^init=text: does not say from what; give init\.text=TEXT or init\.file=FILE$"),
        (("init.text=a", "init.file=b"), r"^init\.text=a: init\.file gives the text too; give one of them$"),
        (("init.file=missing.txt",), r"^init\.file=missing\.txt: cannot be read \(No such file or directory\); give a"),
        (("init.file=empty.txt",), r"^init\.file=empty\.txt: has no text; give one of at least a token$"),
        (("init.file=bytes.txt",), r"^init\.file=bytes\.txt: UnicodeDecodeError: .*; give a text file in UTF-8$"),
        (("init.text=' '",), r"^init\.text=: must not be empty; give a text"),
        (("init.text=a", "method=prompt"), r"^init\.text=a: is only used by methods with a prefix"),
        (("init.text=a", "prefix_len=9"), r"^init\.text=a: 2 tokens for this model, and prefix_len=9; give a longer"),
        (("init.text=a", "init=examples", "init.examples=9"), r"^init\.text=a: is only used by init=text; leave it"),
        (("init=examples", "init.examples=9"), r"^init\.examples=9: there are 8 selected training pairs; take fewer"),
    ],
)
def test_texts_and_examples_that_are_no_start_are_refused(words: tuple[str, ...], message: str) -> None:
    Path("empty.txt").write_text(" \n")
    Path("bytes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=message):
        prepare(of_text(*words))


def test_a_text_longer_than_the_model_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^init\.text=a+… \(2,960 characters more\): 3,001 tokens, and tiny_gpt2 re"):
        prepare(of_text(f"init.text={'a' * 3000}", "prefix_len=3", "model=tiny_gpt2"))


def test_a_source_that_changes_before_the_run_starts_ends_it(of_run: Callable[..., Config], source: LoadedRun) -> None:
    asked = of_run()
    (source.directory / "manifest.json").unlink()
    trained = source.directory / "prefix.safetensors"
    save_file({"decoder": load_file(trained)["decoder"] + 1}, trained)
    with pytest.raises(DamagedStateError, match="has changed since this run was asked for"):
        prepare(asked)


def distilled(*words: str) -> Config:
    return compose([*TINY, "train.objective=distill", *words])


def test_an_instruction_counts_by_its_content_and_a_plain_run_by_none(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(f"\n{TEXT}\n")
    first = id_of(distilled(f"distill.text='{TEXT}'"))
    assert id_of(distilled(f"distill.file={file}")) == first
    file.write_text("Another text")
    others = [distilled(f"distill.file={file}"), distilled(f"distill.text='{TEXT}'", "distill.examples=1")]
    assert len({first, *map(id_of, others), id_of(compose(TINY))}) == 4
    with pytest.raises(ConfigError, match=r"distill\.digest=1234: the instruction has SHA-256"):
        distilled("distill.text=Do", "distill.digest='1234'")
    with pytest.raises(ConfigError, match=r"distill\.file=nowhere.txt"):
        distilled("distill.file=nowhere.txt")


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_bart"])
def test_a_distilled_run_says_what_its_teacher_read(tmp_path: Path, model: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(TEXT)
    teacher = ("train.objective=distill", f"distill.file={file}", "distill.examples=1", "train.targets_per_row=2")
    words = [*TINY, f"model={model}", *teacher, f"results_dir={tmp_path}"]
    run = prefixrun.run(words)
    assert validate_result(run.result) == []
    assert run.result["training"]["teacher"]["tokens"] > len(TEXT)
    assert len(run.result["training"]["teacher"]["examples"]) == 1
    assert {"step", "train_loss", "dev_loss", "dev_kl"} == set(run.result["training"]["history"][-1])
    assert str(tmp_path) not in json.dumps(run.result["settings"])
    record = find(tmp_path, run.run_id)
    assert {check.what: check.outcome for check in verify(record)}["settings"] == "right"
    assert config_of(record).distill.digest == compose(words).distill.digest


def test_a_teacher_with_too_much_to_read_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ConfigError, match=r"distill\.text: the teacher reads [\d,]+ tokens .* tiny_llama has"):
        prepare(distilled(f"distill.text='{TEXT * 200}'"))
    with pytest.raises(ConfigError, match=r"distill\.examples=9: there are 8 selected training pairs"):
        prepare(distilled("distill.examples=9"))
    with pytest.raises(ConfigError, match=r"distill\.text: with model\.layout=chat the instruction stands in"):
        prepare(distilled("distill.text=Do", "model.layout=chat"))

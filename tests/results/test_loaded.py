"""Finished runs in a Python program."""

import copy
from pathlib import Path

import pytest

import prefixrun
from prefixrun.errors import ConfigError, DataError, PrefixrunError
from prefixrun.results.loaded import LoadedRun, load
from prefixrun.results.lookup import find

SOURCES = ["name : Aromi | Type : pub", "name : Cocum | Type : coffee shop | food : Chinese", "name : X"]


@pytest.fixture
def run_id(results: Path) -> str:
    return sorted(path.name for path in (results / "runs").iterdir())[0].rpartition("-")[2]


@pytest.fixture
def loaded(results: Path, run_id: str) -> LoadedRun:
    return load(run_id[:8], results_dir=results)


def test_scores_and_files_need_no_model(loaded: LoadedRun, run_id: str) -> None:
    assert loaded.run_id == run_id
    assert loaded.directory.name.endswith(loaded.run_id)
    assert loaded.scores["BLEU"] == loaded.result["scores"]["BLEU"]["value"]
    assert loaded.config.prefix_len == loaded.result["prefix_len"]
    assert "_opened" not in vars(loaded)
    assert repr(loaded) == f"<prefixrun run {loaded.run_id}: {loaded.directory.name}>"
    assert load(loaded.directory).run_id == loaded.run_id


def test_it_writes_again_what_the_run_wrote(loaded: LoadedRun, results: Path) -> None:
    records = find(results, loaded.run_id).generations()
    assert loaded.generate([record["source"] for record in records]) == [record["output"] for record in records]


@pytest.mark.parametrize("decode", [{}, {"beams": 3}, {"max_new_tokens": 4, "min_new_tokens": 2}], ids=str)
def test_the_librarys_generate_writes_the_same(loaded: LoadedRun, decode: dict[str, int]) -> None:
    model = copy.deepcopy(loaded.model)
    inputs = loaded.inputs(SOURCES)
    with loaded.attach(model):
        outputs = model.generate(**inputs, **loaded.generation_settings(**decode))
    texts = loaded.texts(outputs, inputs)
    assert texts == loaded.generate(SOURCES, **decode)
    assert texts != loaded.texts(model.generate(**inputs, **loaded.generation_settings(**decode)), inputs)


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        ({"beam": 3}, "decode.beam=3: there is no key decode.beam"),
        ({"beams": 0}, "decode.beams=0: must be a whole number"),
    ],
)
def test_wrong_settings_are_refused_as_the_command_does(
    loaded: LoadedRun, decode: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        loaded.generate(SOURCES, **decode)


def test_what_has_no_form_in_the_library_is_refused(loaded: LoadedRun) -> None:
    with pytest.raises(ConfigError, match="divides a beam's score by the length of its output alone"):
        loaded.generation_settings(beams=2, length_norm="total")
    with pytest.raises(ConfigError, match="give inputs="):
        loaded.texts([])


def test_run_does_what_the_command_does_and_finds_it_again(short: tuple[str, ...], tmp_path: Path) -> None:
    settings = " ".join([*short, "model=tiny_gpt2", "prefix_len=2", f"'results_dir={tmp_path}/my results'"])
    first = prefixrun.run(settings)
    stamp = (first.directory / "result.json").stat().st_mtime_ns
    again = prefixrun.run(settings.replace("  ", " "))
    assert again.run_id == first.run_id
    assert (again.directory / "result.json").stat().st_mtime_ns == stamp
    assert prefixrun.load(first.run_id, results_dir=tmp_path / "my results").scores == first.scores


@pytest.mark.parametrize("settings", ["prefix_length=3", ["prefix_len=x"], "model=tiny_gpt2 prefix_len=4000"], ids=str)
def test_run_refuses_with_the_commands_message(settings: str, tmp_path: Path) -> None:
    listed = settings.split() if isinstance(settings, str) else settings
    with pytest.raises(PrefixrunError):
        prefixrun.run([*listed, f"results_dir={tmp_path}"])


def test_score_is_that_of_a_run(loaded: LoadedRun, results: Path) -> None:
    from prefixrun.data import load as load_corpus

    references = [example.references[0] for example in load_corpus("e2e", "test", None).examples]
    scores = prefixrun.score("e2e", references)
    assert scores["BLEU"].value == pytest.approx(100)
    with pytest.raises(DataError, match="outputs: there are 1; e2e test has"):
        prefixrun.score("e2e", ["one"])


@pytest.mark.parametrize("name", ["generate", "inputs"])
def test_what_is_no_list_of_texts_is_refused(loaded: LoadedRun, name: str) -> None:
    function = getattr(loaded, name)
    with pytest.raises(ConfigError, match=f"{name}: takes a list of texts, not one text"):
        function("abc")
    with pytest.raises(ConfigError, match=f"{name}: text 2 is None, which is no text"):
        function(["a", None])
    with pytest.raises(ConfigError, match=f"{name}: text 1 has half of a surrogate pair"):
        function(["\ud800"])


def test_no_texts_have_no_outputs(loaded: LoadedRun) -> None:
    assert loaded.generate([]) == []
    assert loaded.inputs([])["input_ids"].numel() == 0


def test_calls_that_nothing_comes_of_are_errors_of_the_program(loaded: LoadedRun) -> None:
    with pytest.raises(ConfigError, match="No closing quotation; quote it as in a shell, or give a list"):
        prefixrun.run("task='e2e")
    with pytest.raises(ConfigError, match="score: text 1 is None"):
        prefixrun.score("e2e", [None])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match=r"decode\.beams=300: the model has "):
        loaded.generate(SOURCES, beams=300)
    with pytest.raises(ConfigError, match="attach: this is the model that runs of this process share"):
        loaded.attach(loaded.model)


def test_a_models_own_settings_of_generation_do_not_count(loaded: LoadedRun) -> None:
    model = copy.deepcopy(loaded.model)
    model.generation_config.repetition_penalty = 5.0
    model.generation_config.no_repeat_ngram_size = 1
    inputs = loaded.inputs(SOURCES)
    with loaded.attach(model):
        outputs = model.generate(**inputs, **loaded.generation_settings())
    assert loaded.texts(outputs, inputs) == loaded.generate(SOURCES)

"""Which release of WebNLG entries are of, where the task reads 2017."""

import json
import shutil
from pathlib import Path

import pytest

from prefixrun.data import SAMPLES, SPLITS, webnlg
from prefixrun.errors import DataError
from webnlg_xml import ENTRY, write, xml

IS_2020 = "this is WebNLG 2020; the paper used 2017 (webnlg_challenge_2017): use task=webnlg_2020, or put 2017 here"
IS_2 = "this is version 2 of WebNLG; the paper used 2017 (webnlg_challenge_2017), and task=webnlg_2020 reads version 3"
SHAPE = 'shape="(X (X))" shape_type="NA" size="1"'


def refusal(directory: Path, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        webnlg.load(directory, split, "paper")
    return str(caught.value)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("tree", ["release_v3.0/en", "en", "", "webnlg_challenge_2017"])
def test_the_release_of_2020_is_named(tmp_path: Path, tree: str, split: str) -> None:
    shutil.copytree(SAMPLES / "webnlg_2020" / "release_v3.0" / "en", tmp_path / tree, dirs_exist_ok=True)
    assert refusal(tmp_path, split).endswith(IS_2020)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ((ENTRY.replace("Airport", "Company"),), IS_2020),
        ((ENTRY, ENTRY.replace('comment="good"', 'comment="good" lang="en"')), IS_2020),
        ((ENTRY.replace('size="1"', SHAPE),), IS_2),
    ],
)
def test_one_entry_that_only_a_later_release_has_is_enough(
    tmp_path: Path, entries: tuple[str, ...], message: str
) -> None:
    path = write(tmp_path, xml(*entries))
    assert refusal(tmp_path) == f"{path}:3: {message}"


@pytest.mark.parametrize(("shape", "lang", "message"), [("(X (X))", "", IS_2), ("NA", "en", IS_2020), ("NA", "", None)])
def test_the_json_form_of_2017_has_empty_places_for_what_came_later(
    tmp_path: Path, shape: str, lang: str, message: str | None
) -> None:
    entry = {
        "category": "Airport",
        "shape": shape,
        "modifiedtripleset": [{"subject": "A", "property": "b", "object": "C"}],
        "lexicalisations": [{"comment": "good", "lang": lang, "lex": "A is C."}],
    }
    path = write(tmp_path, json.dumps({"entries": [{"1": entry}]}), "train.json")
    if message is None:
        assert webnlg.load(tmp_path, "train", "paper").pairs == 1
    else:
        assert refusal(tmp_path) == f"{path}: entry 1: {message}"

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import prefixrun.data
import prefixrun.metrics
from prefixrun.errors import ConfigError, DataError
from prefixrun.metrics import aggregate, evaluate, score, suite

TASKS = ("e2e", "webnlg", "dart", "xsum")
OUTPUTS = ["The Mill is a cheap pub.", "Cotto serves French food near the river.", "It is not family-friendly"]
REFERENCES = [
    ["The Mill is a cheap pub near the river."],
    ["Cotto has French food.", "By the river, Cotto serves French food."],
    ["It's not for families.", "It is not family-friendly.", "Not family-friendly!", "No families."],
]


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    """The rest must not wait for a JVM, and METEOR must be null."""
    monkeypatch.setattr("prefixrun.metrics.meteor.shutil.which", lambda name: None)


def test_e2e_has_the_papers_scores_and_scales():
    scores = score("e2e", OUTPUTS, REFERENCES)
    assert set(scores) == {"BLEU", "NIST", "NIST_mteval", "METEOR", "ROUGE_L", "CIDEr", "chrF"}
    assert scores["METEOR"].value is None
    assert "Java" in scores["METEOR"].reason
    assert 50 < scores["BLEU"].value <= 100
    assert 50 < scores["ROUGE_L"].value <= 100
    assert scores["BLEU"].signature.startswith("refs:var|case:lc|tok:13a|smooth:exp|scorer:sacrebleu-")
    assert scores["NIST"].signature != scores["NIST_mteval"].signature


@pytest.mark.parametrize("task", TASKS)
def test_empty_and_odd_outputs_give_numbers(task):
    for outputs in (["", "", ""], ["a", "", "."], ["\u2028", "😀", "\x00|||&lt;"], [" ", "\t", "word " * 300]):
        for name, one in score(task, outputs, REFERENCES).items():
            if one.value is None:
                assert one.reason
            else:
                assert np.isfinite(one.value), name
                assert one.value >= 0


@pytest.mark.parametrize("task", TASKS)
def test_stored_counts_give_the_scores_again(task):
    evaluation = evaluate(task, OUTPUTS, REFERENCES)
    again = aggregate(task, evaluation.stats)
    expected = {name: one.value for name, one in evaluation.scores.items() if one.value is not None and "/" not in name}
    assert again == pytest.approx(expected, abs=1e-12)
    assert all(column.shape == (3,) for column in evaluation.stats.values())


def test_counts_of_a_part_score_the_part():
    evaluation = evaluate("dart", OUTPUTS, REFERENCES)
    part = aggregate("dart", {name: column[1:] for name, column in evaluation.stats.items()})
    assert part["TER"] == pytest.approx(score("dart", OUTPUTS[1:], REFERENCES[1:])["TER"].value, abs=1e-12)


def test_webnlg_groups_are_corpora_of_their_own():
    groups = ["seen", "unseen", "seen"]
    scores = score("webnlg", OUTPUTS, REFERENCES, groups)
    assert {name.partition("/")[2] for name in scores} == {"seen", "unseen", "all"}
    seen = score("webnlg", [OUTPUTS[0], OUTPUTS[2]], [REFERENCES[0], REFERENCES[2]])
    whole = score("webnlg", OUTPUTS, REFERENCES)
    for name in ("BLEU", "TER", "chrF"):
        assert scores[f"{name}/seen"] == seen[name]
        assert scores[f"{name}/all"] == whole[name] == whole[f"{name}/all"]
    assert scores["BLEU/all"].value != pytest.approx((scores["BLEU/seen"].value + scores["BLEU/unseen"].value) / 2)


def test_groups_matter_only_where_the_paper_has_them():
    assert score("e2e", OUTPUTS, REFERENCES, ["a", "b", "a"]) == score("e2e", OUTPUTS, REFERENCES)
    assert score("webnlg", OUTPUTS, REFERENCES, [""] * 3) == score("webnlg", OUTPUTS, REFERENCES)


def test_only_the_first_three_references_count_for_webnlg():
    fewer = [texts[:3] for texts in REFERENCES]
    assert score("webnlg", OUTPUTS, REFERENCES) == score("webnlg", OUTPUTS, fewer)


def test_inputs_add_the_measures_that_read_them():
    sources = ["name : The Mill | Type : pub", "name : Cotto | food : French", "name : It | family friendly : no"]
    evaluation = evaluate("e2e", OUTPUTS, REFERENCES, sources=sources)
    assert evaluation.scores["SLOT_ERROR"].value == pytest.approx(100 * 2 / 6)  # cheap and riverside are added
    assert aggregate("e2e", evaluation.stats)["SLOT_ERROR"] == pytest.approx(100 * 2 / 6)
    assert score("dart", OUTPUTS, REFERENCES, sources=sources)["COVERAGE"].value is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((OUTPUTS[:2], REFERENCES), "2 outputs for 3 inputs"),
        (([], []), "nothing to score"),
        ((OUTPUTS, [["a"], [], ["b"]]), "input 2 has no reference"),
        ((OUTPUTS, REFERENCES, ["seen"]), "groups: 1 for 3 inputs"),
        ((OUTPUTS, REFERENCES, None, ["x"] * 4), "sources: 4 for 3 inputs"),
    ],
)
def test_lengths_that_differ(arguments, message):
    with pytest.raises(DataError, match=message):
        score("webnlg", *arguments)


@pytest.mark.parametrize("name", ["gigaword", "BLEU,ROUGE", "e2e,BLEU", ""])
def test_unknown_task(name):
    with pytest.raises(ConfigError, match=r"task=.*known: e2e, webnlg, dart, xsum\. .* or a list of BLEU, "):
        suite(name)


def test_a_metric_that_is_named_twice():
    with pytest.raises(ConfigError, match="task=BLEU,bleu: names a metric twice"):
        suite("BLEU,bleu")


def test_scores_are_json_numbers():
    for task in TASKS:
        values = {name: one.value for name, one in score(task, OUTPUTS, REFERENCES).items()}
        assert json.loads(json.dumps(values, allow_nan=False)) == values


@pytest.mark.parametrize("module", [prefixrun.data, prefixrun.metrics])
def test_data_and_metrics_import_no_torch(module):
    package = Path(module.__file__).parent
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name and name.partition(".")[0] in ("torch", "transformers") for name in names), path.name

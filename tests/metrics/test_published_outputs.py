"""Published outputs of real systems on the whole test sets: the values of the official programs, and those in print."""

import csv
import gzip
import io
import json
from statistics import mean

import pytest

from prefixrun.metrics import evaluate, score

pytestmark = pytest.mark.slow

E2E_SYSTEMS = ("adapt", "dangnt", "forge3", "gong", "nle", "sheff1", "slug", "tgen", "tnt2", "tr2", "zhaw1")
E2E_PRINTED = {  # BLEU, NIST (Perl), METEOR, ROUGE-L, CIDEr: Findings of the E2E NLG Challenge (2018)
    "slug": (0.6619, 8.6130, 0.4454, 0.6772, 2.2615),
    "tgen": (0.6593, 8.6094, 0.4483, 0.6850, 2.2338),
    "nle": (0.6534, 8.5300, 0.4435, 0.6829, 2.1539),
    "tnt2": (0.6502, 8.5211, 0.4396, 0.6853, 2.1670),
    "gong": (0.6422, 8.3453, 0.4469, 0.6645, 2.2721),
    "sheff1": (0.6015, 8.3075, 0.4405, 0.6778, 2.1775),
    "dangnt": (0.5990, 7.9277, 0.4346, 0.6634, 2.0783),
    "zhaw1": (0.5864, 8.0212, 0.4322, 0.5998, 1.8173),
    "adapt": (0.5092, 7.1954, 0.4025, 0.5872, 1.5039),
    "forge3": (0.4599, 7.1092, 0.3858, 0.5611, 1.5586),
    "tr2": (0.4202, 6.7686, 0.3968, 0.5481, 1.4389),
}
TGEN_2019_PRINTED = (
    0.6641,
    8.5565,
    0.4507,
    0.6917,
    2.2253,
)  # mean of five runs: Semantic Noise Matters (2019), table 2
E2E_NAMES = ("BLEU", "NIST_mteval", "METEOR", "ROUGE_L", "CIDEr")
PER_CENT = {"BLEU", "METEOR", "ROUGE_L"}

WEBNLG_PRINTED = {  # BLEU, METEOR, TER of all, seen and unseen: The WebNLG Challenge (2017), BestPlan (2019)
    "BIU_Chimera_v1": ((47.24, 0.3921, 0.5098), (53.30, 0.4374, 0.4656), (34.41, 0.3382, 0.5620)),
    "GKB_Unimelb": ((45.13, 0.3764, 0.4744), (54.52, 0.4146, 0.4026), (33.27, 0.3322, 0.5592)),
    "UPF-TALN": ((38.65, 0.3911, 0.5593), (40.88, 0.4059, 0.5591), (35.70, 0.3736, 0.5596)),
    "Tilburg_University-3": ((35.29, 0.3083, 0.5660), (44.34, 0.3824, 0.4886), (20.65, 0.2163, 0.6575)),
    "Baseline": ((33.24, 0.2354, 0.6131), (52.39, 0.3777, 0.4486), (6.13, 0.0754, 0.8073)),
    "UIT-DANGNT-CLNLP": ((7.07, 0.0992, 0.8275), (19.87, 0.1535, 0.7851), (0.11, 0.0335, 0.8776)),
}
UNSEEN = {"Artist", "Athlete", "CelestialBody", "MeanOfTransportation", "Politician"}
XSUM_PRINTED = {  # ROUGE-1, -2, -L by ROUGE-1.5.5: Narayan et al. (2018); SimCLS (2021)
    "lead-test-output": (16.30, 1.60, 11.95),
    "ptgen-test-output": (29.70, 9.21, 23.24),
    "topic-convs2s-test-output": (31.89, 11.54, 25.75),
    "simcls.test.xsum.ours": (47.61, 24.57, 39.44),
}


@pytest.fixture(scope="module")
def official(goldens):
    return json.loads((goldens / "full_outputs.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def e2e_references(shared):
    blocks: dict[str, list[str]] = {}
    with (shared / "data/e2e/testset_w_refs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            blocks.setdefault(row["mr"], []).append(row["ref"])
    return list(blocks.values())


@pytest.fixture(scope="module")
def webnlg_test(shared):
    with gzip.open(shared / "data/webnlg/json/test.json.gz", "rt", encoding="utf-8") as file:
        entries = [next(iter(entry.values())) for entry in json.load(file)["entries"]]
    references = [[lexicalisation["lex"] for lexicalisation in entry["lexicalisations"]] for entry in entries]
    groups = ["unseen" if entry["category"] in UNSEEN else "seen" for entry in entries]
    return references, groups


def gzip_lines(path):
    return gzip.decompress(path.read_bytes()).decode("utf-8").removesuffix("\n").split("\n")


def as_printed(scores, names):
    """On the scales of the printed tables; skips a metric that cannot be computed here."""
    for name in names:
        if scores[name].value is None:
            pytest.skip(scores[name].reason)
    return [scores[name].value / (100 if name in PER_CENT else 1) for name in names]


@pytest.mark.parametrize("system", E2E_SYSTEMS)
def test_e2e_challenge(system, shared, official, e2e_references):
    text = (shared / f"data/system_outputs/e2e/{system}.tsv").read_bytes().decode("utf-8-sig")
    outputs = [row["output"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")]
    if system.startswith("tnt"):
        outputs = [output.strip().removeprefix("'").removesuffix("'") for output in outputs]
    scores = score("e2e", outputs, e2e_references)
    values = as_printed(scores, E2E_NAMES)
    assert values == pytest.approx(E2E_PRINTED[system], abs=0.00006)
    if system in official["e2e"]:
        exact = official["e2e"][system]
        assert values == pytest.approx(
            [exact[name] for name in ("BLEU_perl", "NIST_perl", "METEOR", "ROUGE_L", "CIDEr")], abs=1e-9
        )
        assert scores["NIST"].value == pytest.approx(exact["NIST"], abs=1e-9)


def test_e2e_tgen_mean_of_five_runs(shared, read_lines, e2e_references):
    folder = shared / "data/system_outputs/e2e_tgen2019"
    runs = [
        as_printed(score("e2e", read_lines(folder / f"tgen-std.run{run}.txt"), e2e_references), E2E_NAMES)
        for run in range(5)
    ]
    assert [mean(values) for values in zip(*runs, strict=True)] == pytest.approx(TGEN_2019_PRINTED, abs=0.00006)


@pytest.mark.parametrize("team", WEBNLG_PRINTED)
def test_webnlg_challenge(team, shared, official, webnlg_test):
    references, groups = webnlg_test
    outputs = gzip_lines(shared / f"data/system_outputs/webnlg/{team}_all-cat.txt.gz")
    scores = score("webnlg", outputs, references, groups)
    for group, printed in zip(("all", "seen", "unseen"), WEBNLG_PRINTED[team], strict=True):
        bleu, meteor, ter = as_printed_webnlg(scores, group)
        assert bleu == pytest.approx(printed[0], abs=0.0051)
        assert [meteor, ter] == pytest.approx(printed[1:], abs=0.00006)
    exact = official["webnlg"].get(f"{team}_all-cat")
    if exact is not None:
        bleu, meteor, ter = as_printed_webnlg(scores, "all")
        assert bleu == pytest.approx(exact["BLEU"], abs=1e-8)
        assert [meteor, ter] == pytest.approx([exact["METEOR"], exact["TER"]], abs=1e-9)


def as_printed_webnlg(scores, group):
    found = [scores[f"{name}/{group}"] for name in ("BLEU", "METEOR", "TER")]
    for one in found:
        if one.value is None:
            pytest.skip(one.reason)
    return [one.value for one in found]


def test_dart_output_of_the_authors(shared, official):
    with gzip.open(shared / "data/dart/dart-v1.1.1-full-test.6959.json.gz", "rt", encoding="utf-8") as file:
        items = json.load(file)
    lines = gzip_lines(shared / "data/system_outputs/dart/prefixtuning_test_beam.6959.txt.gz")
    scored = [(line, item) for line, item in zip(lines, items, strict=True) if item["annotations"]]
    references = [[annotation["text"] for annotation in item["annotations"]] for _, item in scored]
    evaluation = evaluate("dart", [line for line, _ in scored], references)
    (exact,) = official["dart"].values()
    assert evaluation.scores["BLEU"].value == pytest.approx(exact["BLEU"], abs=1e-8)
    assert evaluation.scores["TER"].value == pytest.approx(exact["TER"], abs=1e-9)
    if evaluation.scores["METEOR"].value is None:
        pytest.skip(evaluation.scores["METEOR"].reason)
    assert evaluation.scores["METEOR"].value == pytest.approx(exact["METEOR"], abs=1e-9)


@pytest.mark.parametrize("system", XSUM_PRINTED)
def test_xsum_summaries(system, shared, official):
    folder = shared / "data/system_outputs/xsum"
    simcls = folder / "simcls.test.xsum.reference.gz"
    gold = gzip_lines(simcls if system.startswith("simcls") else shared / "data/xsum/gold-test-sentences.txt.gz")
    outputs = gzip_lines(next(folder.glob(f"{system}*.gz")))
    scores = score("xsum", outputs, [[reference] for reference in gold])
    if system in official["xsum"]:
        exact = official["xsum"][system]
        for kind in "12L":
            assert scores[f"ROUGE-{kind}"].value == pytest.approx(exact[f"rouge{kind}"], abs=1e-9)
            assert scores[f"ROUGE-{kind}_155"].value == pytest.approx(exact[f"rouge{kind}_155"], abs=2e-4)
    # the Perl program prints the mean of resamples, and its tables round it once more
    values = [scores[f"ROUGE-{kind}_155"].value for kind in "12L"]
    if None in values:
        pytest.skip(scores["ROUGE-1_155"].reason)
    assert values == pytest.approx(XSUM_PRINTED[system], abs=0.011)

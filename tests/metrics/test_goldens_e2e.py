"""E2E scores against the values of the official script, on cases of up to 90 inputs and on the whole test set."""

import pytest

from scoring import score_one

CASES = (
    "e2e_adapt_90",
    "e2e_empty_fifth",
    "e2e_last_vs_rest",
    "e2e_odd_text",
    "e2e_one_ref",
    "e2e_one_word",
    "e2e_perfect",
    "e2e_tgen_90",
    pytest.param("e2e_tgen_full", marks=pytest.mark.slow),
    "e2e_tokenised_refs",
    "e2e_tr2_70",
    "e2e_truncated",
    "e2e_two_of_tgen",
    "e2e_upper",
)
# The Python port counts negative numbers of n-grams for outputs of fewer than 3 (BLEU) or 4 (NIST) tokens.
SHORT_OUTPUTS = {"e2e_empty_fifth", "e2e_one_word"}
# Perl lower-cases ASCII letters only.
UPPER_CASE_ACCENTS = {"e2e_upper", "e2e_odd_text"}
every_case = pytest.mark.parametrize("name", CASES)


@every_case
def test_bleu(name, read_case):
    case = read_case(name)
    bleu = score_one("e2e", "BLEU", case.hypotheses, case.references) / 100
    if name == "e2e_one_word":
        # no bigram at all: Perl smooths to a tiny number
        assert bleu == pytest.approx(0, abs=1e-12)
        assert case.official["BLEU_perl"] == pytest.approx(0, abs=0.004)
        return
    if name not in SHORT_OUTPUTS:
        assert bleu == pytest.approx(case.official["BLEU"], abs=1e-9)
    if name != "e2e_upper":
        assert bleu == pytest.approx(case.official["BLEU_perl"], abs=1e-9)


@every_case
def test_nist(name, read_case):
    case = read_case(name)
    if name not in SHORT_OUTPUTS:
        nist = score_one("e2e", "NIST", case.hypotheses, case.references)
        assert nist == pytest.approx(case.official["NIST"], abs=1e-9)
    if name not in UPPER_CASE_ACCENTS:
        mteval = score_one("e2e", "NIST_mteval", case.hypotheses, case.references)
        assert mteval == pytest.approx(case.official["NIST_perl"], abs=1e-9)


@every_case
@pytest.mark.parametrize(
    ("metric", "scale"), [("ROUGE_L", 100), ("CIDEr", 1), pytest.param("METEOR", 100, marks=pytest.mark.slow)]
)
def test_coco_metrics_and_meteor(name, metric, scale, read_case):
    case = read_case(name)
    value = score_one("e2e", metric, case.hypotheses, case.references) / scale
    assert value == pytest.approx(case.official[metric], abs=1e-9)

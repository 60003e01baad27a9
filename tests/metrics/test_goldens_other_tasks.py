"""WebNLG, DART and XSUM scores against the values of the official programs."""

import pytest

from scoring import score_one

TABLE_CASES = (
    "dart_empty_third",
    "dart_prefix_113",
    "dart_prefix_114",
    pytest.param("dart_prefix_full", marks=pytest.mark.slow),
    "dart_ref0_vs_rest",
    "webnlg_empty_third",
    "webnlg_melbourne_125",
    pytest.param("webnlg_melbourne_full", marks=pytest.mark.slow),
    "webnlg_odd_text",
    "webnlg_ref_counts",
    "webnlg_short",
    "webnlg_upf_124",
    "webnlg_upper",
    "webnlg_vietnam_60",
)
XSUM_CASES = ("xsum_empty_third", "xsum_lead_60", "xsum_odd_text2", "xsum_topic_119")


@pytest.mark.parametrize("name", TABLE_CASES)
@pytest.mark.parametrize(
    ("metric", "tolerance"), [("BLEU", 1e-8), ("TER", 1e-9), pytest.param("METEOR", 1e-9, marks=pytest.mark.slow)]
)
def test_table_to_text(name, metric, tolerance, read_case):
    case = read_case(name)
    value = score_one(case.task, metric, case.hypotheses, [texts[:3] for texts in case.references])
    assert value == pytest.approx(case.official[metric], abs=tolerance)


@pytest.mark.parametrize("name", XSUM_CASES)
@pytest.mark.parametrize("kind", ["1", "2", "L"])
@pytest.mark.parametrize(("program", "tolerance"), [("", 1e-9), ("_155", 2e-4)])
def test_rouge(name, kind, program, tolerance, read_case):
    case = read_case(name)
    value = score_one("xsum", f"ROUGE-{kind}{program}", case.hypotheses, case.references)
    assert value == pytest.approx(case.official[f"rouge{kind}{program}"], abs=tolerance)
    if program:  # what the Perl program prints is a mean of resamples
        assert value == pytest.approx(case.official[f"rouge{kind}_boot_155"], abs=0.3)

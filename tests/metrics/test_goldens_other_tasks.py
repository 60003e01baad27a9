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


def first_three(case):
    return [texts[:3] for texts in case.references]


@pytest.mark.parametrize("name", TABLE_CASES)
@pytest.mark.parametrize(("metric", "tolerance"), [("BLEU", 1e-8), ("TER", 1e-9)])
def test_table_to_text(name, metric, tolerance, read_case):
    case = read_case(name)
    value = score_one(case.task, metric, case.hypotheses, first_three(case))
    assert value == pytest.approx(case.official[metric], abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE_CASES)
def test_table_to_text_meteor(name, read_case):
    case = read_case(name)
    value = score_one(case.task, "METEOR", case.hypotheses, first_three(case))
    assert value == pytest.approx(case.official["METEOR"], abs=1e-9)


@pytest.mark.parametrize("name", XSUM_CASES)
@pytest.mark.parametrize("kind", ["1", "2", "L"])
def test_rouge(name, kind, read_case):
    case = read_case(name)
    value = score_one("xsum", f"ROUGE-{kind}", case.hypotheses, case.references)
    assert value == pytest.approx(case.official[f"rouge{kind}"], abs=1e-9)


@pytest.mark.parametrize("name", XSUM_CASES)
@pytest.mark.parametrize("kind", ["1", "2", "L"])
def test_rouge_155(name, kind, read_case):
    case = read_case(name)
    value = score_one("xsum", f"ROUGE-{kind}_155", case.hypotheses, case.references)
    assert value == pytest.approx(case.official[f"rouge{kind}_155"], abs=2e-4)
    # what the Perl program prints is a mean of resamples
    assert value == pytest.approx(case.official[f"rouge{kind}_boot_155"], abs=0.3)

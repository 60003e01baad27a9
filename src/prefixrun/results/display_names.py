"""What things are called in tables, figures and on the terminal."""

from collections.abc import Mapping

from prefixrun.config.method_specs import spec_of

MODELS: Mapping[str, str] = {
    "gpt2": "GPT-2",
    "gpt2_medium": "GPT-2 Medium",
    "gpt2_large": "GPT-2 Large",
    "bart_base": "BART-base",
    "bart_large": "BART-large",
    "t5_base": "T5-base",
    "t5_large": "T5-large",
    "smollm2_135m": "SmolLM2-135M",
}

BEST_BEFORE = {"sota": "best before"}
"""Name of the paper's rows of others' systems, which are no method here."""

TASKS: Mapping[str, str] = {
    "e2e": "E2E",
    "e2e_cleaned": "E2E, cleaned",
    "webnlg": "WebNLG",
    "webnlg_2020": "WebNLG 2020",
    "dart": "DART",
    "xsum": "XSUM",
    "xsum_news_to_sports": "XSUM, news to sports",
    "xsum_within_news": "XSUM, within news",
    "sort_letters": "letters sorted",
    "shift_letters": "letters shifted",
    "majority": "majority of opinions",
}

SOURCES: Mapping[str, str] = {
    "sample": "the sample corpus",
    "release": "the real corpus",
    "generated": "generated examples",
}

MAIN_METRICS: Mapping[str, tuple[str, ...]] = {
    "e2e": ("BLEU", "ROUGE_L"),
    "webnlg": ("BLEU/all", "BLEU/seen", "BLEU/unseen"),
    "dart": ("BLEU", "TER"),
    "xsum": ("ROUGE-2", "ROUGE-L"),
}
"""The metrics that the paper's figures and text speak of, by the task that a task is scored as."""

LESS_IS_BETTER = ("TER", "SLOT_ERROR", "ADDED")
PER_CENT = ("SLOT_ERROR", "COVERAGE", "ADDED")
"""Measures of faithfulness, for each hundred slots, entities or inputs."""

OF_A_HUNDRED = ("BLEU", "BLEU-CHAR", "ROUGE_L", "ROUGE-1", "ROUGE-2", "ROUGE-L", "chrF", "EM", "COVERAGE")
"""Scores that are 100 at most."""
WITHOUT_ENDS = ("BERTScore", "BLEURT", "MoverScore")
"""Scores that may be below 0."""


def of_model(name: str) -> str:
    """A model as a reader knows it."""
    whole, separator, layers = name.rpartition("_first")
    if separator and layers.isdecimal():
        return f"{MODELS.get(whole, whole)}, first {layers} layers"
    return MODELS.get(name, name)


def of_method(name: str) -> str:
    """A method as a reader knows it."""
    return BEST_BEFORE.get(name) or spec_of(name).label or name


def of_method_briefly(name: str) -> str:
    """A method in a narrow column."""
    return BEST_BEFORE.get(name) or spec_of(name).short_label or name


def of_task(name: str) -> str:
    """A task as a reader knows it."""
    return TASKS.get(name, name)


def of_metric(name: str) -> str:
    """`ROUGE_L` → `ROUGE-L`; `BLEU/seen` → `BLEU seen`."""
    return name.replace("_", "-").replace("/", " ")


def main_metrics(scored_as: str, scores: Mapping[str, object]) -> tuple[str, ...]:
    """The main metrics of a task; of one with metrics of its own choice, the first of these and its groups."""
    if scored_as in MAIN_METRICS:
        return MAIN_METRICS[scored_as]
    first = scored_as.partition(",")[0].strip().lower()
    chosen = tuple(name for name in scores if name.partition("/")[0].lower() == first)
    return chosen or tuple(sorted(scores))[:1]


def less_is_better(metric: str) -> bool:
    """Whether a smaller value of the score is the better one."""
    return metric.partition("/")[0] in LESS_IS_BETTER


def within_scale(metric: str, low: float, high: float) -> tuple[float, float]:
    """The ends of an interval of a score, none of them where the score cannot be: no text has less than 0 BLEU."""
    name = metric.partition("/")[0]
    least = low if name in WITHOUT_ENDS else max(0.0, low)
    return least, min(100.0, high) if name in OF_A_HUNDRED else high

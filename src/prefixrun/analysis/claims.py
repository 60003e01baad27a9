"""The paper's claims, in our words, and what the runs at hand say about each.

Runs on the sample corpus, on tasks that the paper does not have or on random models say nothing about it and are left
out. Runs on another backbone than the paper's can show whether an ordering appears there too; every piece of evidence
names its backbone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prefixrun.analysis.arms import Arm
from prefixrun.analysis.claim_costs import length_speed, lengths, storage, training_speed
from prefixrun.analysis.claim_rules import Comparison, Evidence, Outcome, Rule, low_data_mean, outcome_of
from prefixrun.analysis.comparability import speaks_of_the_paper
from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.groups import RunGroup, run_groups
from prefixrun.analysis.verdicts import LOOK_LEVEL, MOST_UNITS
from prefixrun.results.records import Record

PREFIX, FINETUNE = Arm("prefix"), Arm("finetune")
WORDS, RANDOM = Arm("prefix", init="words"), Arm("prefix", init="random")
SMALL_PREFIX = Arm("prefix", share=0.1)
SMALL_ADAPTER, LARGE_ADAPTER = Arm("adapter", share=0.1), Arm("adapter", share=3.0)
TABLES = ("e2e", "webnlg", "dart")
EXTRAPOLATION = ("xsum_news_to_sports", "xsum_within_news")
ROUGE = ("ROUGE-1", "ROUGE-2", "ROUGE-L")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim."""

    name: str
    statement: str
    section: str
    """Of the paper, ACL version."""
    needs: str
    """The runs that can speak to it and the rule they are judged by, or why none can."""
    rules: tuple[Rule, ...] = ()
    """Each must have evidence before the claim can hold."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the runs say about one claim."""

    claim: Claim
    outcome: Outcome
    evidence: tuple[Evidence, ...]


CLAIMS = (
    Claim(
        "C1",
        "At 0.1 % of the parameters prefix-tuning beats adapters of that size, and tuning the top layers.",
        "6.1",
        "prefix against adapter (0.1 %) and against top layers, most data: the interval of the difference is above 0",
        (
            Comparison(SMALL_PREFIX, SMALL_ADAPTER, "more", tasks=TABLES),
            Comparison(SMALL_PREFIX, Arm("finetune_top"), "more", tasks=TABLES),
        ),
    ),
    Claim(
        "C2",
        "On table-to-text prefix-tuning is as good as full fine-tuning or better.",
        "6.1",
        "prefix against fine-tuning, most data: less than the margin worse",
        (Comparison(PREFIX, FINETUNE, "not less", tasks=TABLES),),
    ),
    Claim(
        "C3",
        "Prefix-tuning is as good as adapters with thirty times its parameters, or better.",
        "6.1",
        "prefix against adapter (3 %), most data: less than the margin worse",
        (Comparison(PREFIX, LARGE_ADAPTER, "not less", tasks=TABLES),),
    ),
    Claim(
        "C4",
        "It scales to GPT-2 Large.",
        "6.1",
        "prefix against fine-tuning on GPT-2 Large: less than the margin worse",
        (Comparison(PREFIX, FINETUNE, "not less", tasks=TABLES, models=("gpt2_large",)),),
    ),
    Claim(
        "C5",
        "It works in open domains, not in single ones only.",
        "6.1",
        "prefix against fine-tuning on the unseen categories of WebNLG and on DART, the paper's data of more than one "
        "domain: less than the margin worse on both (the threshold is ours, the paper states none)",
        (
            Comparison(PREFIX, FINETUNE, "not less", ("BLEU/unseen",), tasks=("webnlg",)),
            Comparison(PREFIX, FINETUNE, "not less", tasks=("dart",)),
        ),
    ),
    Claim(
        "C6",
        "On XSUM prefix-tuning is below fine-tuning.",
        "6.2",
        "fine-tuning against prefix on XSUM: the interval of the difference is above 0 for every ROUGE",
        (Comparison(FINETUNE, PREFIX, "more", metrics=ROUGE, tasks=("xsum",)),),
    ),
    Claim(
        "C7",
        "XSUM is harder for it: more examples, longer inputs, selection of content.",
        "6.2",
        "the paper gives reasons and tests none. It would take the gap to fine-tuning on XSUM with number of examples, "
        "length of inputs and selection of content each changed alone, for both methods, with three seeds: eighteen "
        "trainings or more of an encoder-decoder of 400 million parameters, which need all of XSUM and a GPU",
    ),
    Claim(
        "C8",
        "With little data prefix-tuning beats fine-tuning, on average over 50 to 500 examples.",
        "6.3",
        "prefix from words against fine-tuning at two or more sizes up to 500, averaged over sizes, three subsamples "
        "or more: the interval is above 0",
        (low_data_mean,),
    ),
    Claim(
        "C9",
        "With little data its outputs are more faithful to the input.",
        "6.3",
        "slot errors of prefix from words against fine-tuning, each size up to 500: the interval is below 0 (the "
        "paper: examples)",
        (Comparison(WORDS, FINETUNE, "more", metrics=("SLOT_ERROR",), amount="low", tasks=("e2e",)),),
    ),
    Claim(
        "C10",
        "On unseen WebNLG categories prefix-tuning beats fine-tuning in every metric.",
        "6.4",
        "prefix against fine-tuning, unseen part, most data: the interval is on the better side of 0 for every metric",
        (Comparison(PREFIX, FINETUNE, "more", ("BLEU/unseen", "METEOR/unseen", "TER/unseen"), tasks=("webnlg",)),),
    ),
    Claim(
        "C11",
        "On unseen XSUM topics prefix-tuning beats fine-tuning in every metric.",
        "6.4",
        "prefix against fine-tuning on both splits: the interval is above 0 for every ROUGE",
        (Comparison(PREFIX, FINETUNE, "more", ROUGE, tasks=EXTRAPOLATION),),
    ),
    Claim(
        "C12",
        "Adapters extrapolate as well as prefixes: what helps is that the model stays frozen.",
        "6.4",
        "unseen part of WebNLG: adapters are above fine-tuning, and less than the margin below prefix-tuning",
        (
            Comparison(Arm("adapter"), FINETUNE, "more", ("BLEU/unseen",), tasks=("webnlg",)),
            Comparison(Arm("adapter"), PREFIX, "not less", ("BLEU/unseen",), tasks=("webnlg",)),
        ),
    ),
    Claim(
        "C13",
        "Quality rises with the prefix's length up to a threshold and falls a little behind it.",
        "7.1",
        "three lengths or more: from the shortest to about 10 (XSUM 200) the interval is above 0, from there to the "
        "longest the rise is less than the margin",
        (lengths,),
    ),
    Claim(
        "C14",
        "Long prefixes cost almost no speed.",
        "7.1",
        "training time per token of the longest prefix, three runs or more, is at most 1.15 times that of one a "
        "quarter as long or shorter",
        (length_speed,),
    ),
    Claim(
        "C15",
        "Tuning the embedding layer alone is much worse.",
        "7.2",
        "prefix against embedding-only: better by more than the margin",
        (Comparison(PREFIX, Arm("embedding"), "clearly more", tasks=TABLES),),
    ),
    Claim(
        "C16",
        "Infix-tuning is a little below prefix-tuning.",
        "7.3",
        "prefix against infix: the interval is above 0",
        (Comparison(PREFIX, Arm("infix"), "more", tasks=TABLES),),
    ),
    Claim(
        "C17",
        "With little data a start from real words is much better than a random one.",
        "7.4",
        "words against random at each size up to 500: the interval is above 0",
        (Comparison(WORDS, RANDOM, "more", amount="low"),),
    ),
    Claim(
        "C18",
        "With all data the start does not matter.",
        "7.4",
        "words against random with all pairs: the interval lies within the margin on both sides",
        (Comparison(WORDS, RANDOM, "same", amount="all"),),
    ),
    Claim(
        "C19",
        "Prefix-tuning, started at random, beats fine-tuning from more than a fifth of the data on.",
        "7.5",
        "random prefix against fine-tuning at each share of E2E above 20 %, three subsamples or more of each: the "
        "interval is above 0",
        (Comparison(RANDOM, FINETUNE, "more", amount="share", tasks=("e2e",), at_least=0.2),),
    ),
    Claim(
        "C20",
        "Training the keys and values directly is a little worse than through the MLP.",
        "4.3",
        "prefix against prefix without MLP: the interval is above 0 (the paper gives no number)",
        (Comparison(PREFIX, Arm("prefix_flat"), "more"),),
    ),
    Claim(
        "C21",
        "It trains about 30 % faster than fine-tuning.",
        "A",
        "training time per token on the same machine, three runs or more: at most 0.85 times that of fine-tuning "
        "holds, slower does not",
        (training_speed,),
    ),
    Claim(
        "C22",
        "A task's prefix is about a thousand times smaller than the model.",
        "1",
        "prefixes of up to 10 positions: at least 500 times fewer numbers stored",
        (storage,),
    ),
    Claim(
        "C23",
        "Prefixes of many users can be mixed in one batch.",
        "8",
        "a run has one prefix, so no record says it. That a batch with a prefix a row gives the outputs of separate "
        "batches is asserted by the program's tests (tests/methods/test_mixed_batch.py); its time would take a "
        "committed measurement of both on one machine",
    ),
    Claim(
        "C24",
        "On unseen categories it may say too little, where fine-tuning says what is not true.",
        "A",
        "the paper reads a handful of examples. Records hold outputs without the triples of their inputs, so it would "
        "take a score of which triples an output covers and which facts it adds, checked against readers, and prefix "
        "and fine-tuning on the unseen part with three seeds",
    ),
)


def evaluate(records: Iterable[Record]) -> list[Finding]:
    """Every claim with what the records say about it."""
    groups = run_groups(record for record in records if speaks_of_the_paper(record))
    return [_finding(claim, groups) for claim in CLAIMS]


def markdown(findings: Sequence[Finding]) -> str:
    """One page: a table of outcomes, then the evidence."""
    lines = [
        "# The paper's claims and these runs",
        "",
        "A claim holds when all evidence says so, does not hold when one piece contradicts it, and is undecided "
        f"otherwise. Intervals: over seeds and inputs, {100 * LOOK_LEVEL:.1f} %, so that looks after {ENOUGH} to "
        f"{MOST_UNITS} seeds together err in 5 % of cases; not corrected for the number of claims. From fewer than "
        "three independent seeds, with little data subsamples, nothing is decided, for or against. Each side stands "
        "for its method by the setting of the lowest development loss. Sides of unequal training or length are shown "
        "as unequal and decide nothing. How many more seeds it would take supposes that mean and spread stay as they "
        "are. Margins are those of the tables. Written by `prefixrun tables`.",
        "",
        "| claim | in our words | section | outcome |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.claim.name} | {each.claim.statement} | {each.claim.section} | {each.outcome} |" for each in findings
    ]
    for each in findings:
        if each.outcome in ("no runs", "cannot be tested here"):
            continue
        lines += [
            "",
            f"## {each.claim.name}: {each.outcome}",
            "",
            f"{each.claim.statement} Judged by: {each.claim.needs}.",
            "",
        ]
        lines += [f"* {one.outcome}: {one.text} · {_runs(one)}" for one in each.evidence]
    waiting = [each for each in findings if each.outcome in ("no runs", "cannot be tested here")]
    lines += ["", "## Not judged", ""]
    lines += [f"* {each.claim.name} ({each.outcome}): {each.claim.needs}." for each in waiting]
    return "\n".join(lines) + "\n"


def _finding(claim: Claim, groups: Sequence[RunGroup]) -> Finding:
    if not claim.rules:
        return Finding(claim, "cannot be tested here", ())
    evidence = [tuple(rule(groups)) for rule in claim.rules]
    return Finding(claim, outcome_of(evidence), tuple(each for of_rule in evidence for each in of_rule))


def _runs(evidence: Evidence) -> str:
    shown = evidence.run_ids[:4]
    rest = len(evidence.run_ids) - len(shown)
    return f"runs {', '.join(shown)}" + (f" and {rest} more" if rest else "")

"""The paper's claims, in our words, with what it prints for them and the rules that they are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from prefixrun.analysis.arms import Arm
from prefixrun.analysis.claim_costs import length_speed, lengths, storage, training_speed
from prefixrun.analysis.claim_low_data import low_data_mean
from prefixrun.analysis.claim_measurements import mixed_batches
from prefixrun.analysis.claim_rules import Comparison, Rule

PREFIX, FINETUNE = Arm("prefix"), Arm("finetune")
WORDS, RANDOM = Arm("prefix", init="words"), Arm("prefix", init="random")
SMALL_PREFIX = Arm("prefix", share=0.1)
SMALL_ADAPTER, LARGE_ADAPTER = ADAPTERS = Arm("adapter", share=0.1), Arm("adapter", share=3.0)
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
    paper: str
    """What it prints for it, ACL version; prefix-tuning first."""
    needs: str
    """The runs that can speak to it and the rule they are judged by, or why none can."""
    rules: tuple[Rule, ...] = ()
    """Each must have evidence before the claim can hold."""
    obstacle: str = ""
    """Why it cannot be tested without another model, corpus or machine, and what it would take; judged all the same
    where there are runs."""
    waiting: str = ""
    """Which runs would speak to it, where that does not go without saying."""


CLAIMS = (
    Claim(
        "C1",
        "At 0.1 % of the parameters prefix-tuning beats adapters of that size, and tuning the top layers.",
        "6.1",
        "BLEU 70.3 (E2E), 55.0 (WebNLG), 46.4 (DART); adapter 66.3, 50.2, 42.4; top layers 68.1, 36.0, 41.0",
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
        "BLEU 70.3, 55.0, 46.4 against 68.8, 45.7, 46.2",
        "prefix against fine-tuning, most data: less than the margin worse",
        (Comparison(PREFIX, FINETUNE, "not less", tasks=TABLES),),
    ),
    Claim(
        "C3",
        "Prefix-tuning is as good as adapters with thirty times its parameters, or better.",
        "6.1",
        "BLEU 70.3, 55.0, 46.4 against 68.9, 54.8, 45.2",
        "prefix against adapter (3 %), most data: less than the margin worse",
        (Comparison(PREFIX, LARGE_ADAPTER, "not less", tasks=TABLES),),
    ),
    Claim(
        "C4",
        "It scales to GPT-2 Large.",
        "6.1",
        "BLEU 70.3, 56.3, 46.7 against 68.5, 55.5, 47.0",
        "prefix against fine-tuning on GPT-2 Large: less than the margin worse",
        (Comparison(PREFIX, FINETUNE, "not less", tasks=TABLES, models=("gpt2_large",)),),
        obstacle="its weights are on a hub, and are 774 million numbers: fine-tuning needs a GPU. `prefixrun -m "
        "profile=paper experiment=table2_e2e data_dir=DIR` (and table2_webnlg, table2_dart) has its trainings, three "
        "seeds each",
    ),
    Claim(
        "C5",
        "It works in open domains, not in single ones only.",
        "6.1",
        "BLEU 45.3 against 26.7 (WebNLG, unseen), 46.4 against 46.2 (DART)",
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
        "ROUGE-L 36.05 (2 %) and 35.05 (0.1 %) against 37.25",
        "fine-tuning against prefix on XSUM: the interval of the difference is above 0 for every ROUGE",
        (Comparison(FINETUNE, PREFIX, "more", metrics=ROUGE, tasks=("xsum",)),),
        waiting="`prefixrun -m profile=laptop experiment=table3_xsum data_dir=DIR` has six runs from 1,110 of the "
        "204,045 training "
        "pairs, as much of XSUM as public copies hold; about 156,000 tokens a run",
    ),
    Claim(
        "C7",
        "XSUM is harder for it: more examples, longer inputs, selection of content.",
        "6.2",
        "three reasons, not tested",
        "the paper gives reasons and tests none. It would take the gap to fine-tuning on XSUM with number of examples, "
        "length of inputs and selection of content each changed alone, for both methods, with three seeds: eighteen "
        "trainings or more of an encoder-decoder of 400 million parameters, which need all of XSUM and a GPU",
    ),
    Claim(
        "C8",
        "With little data prefix-tuning beats fine-tuning, on average over 50 to 500 examples.",
        "6.3",
        "2.9 BLEU on average",
        "prefix (init=words) against fine-tuning at two or more sizes up to 500, averaged over sizes, three subsamples "
        "or more: the interval is above 0",
        (low_data_mean,),
    ),
    Claim(
        "C9",
        "With little data its outputs are more faithful to the input.",
        "6.3",
        "one example at four sizes",
        "slot errors of prefix (init=words) against fine-tuning, each size up to 500: the interval is below 0 (the "
        "paper: examples)",
        (Comparison(WORDS, FINETUNE, "more", metrics=("SLOT_ERROR",), amount="low", tasks=("e2e",)),),
    ),
    Claim(
        "C10",
        "On unseen WebNLG categories prefix-tuning beats fine-tuning in every metric.",
        "6.4",
        "BLEU 45.3 against 26.7, METEOR .37 against .30, TER .51 against .78",
        "prefix against fine-tuning, unseen part, most data: the interval is on the better side of 0 for every metric",
        (Comparison(PREFIX, FINETUNE, "more", ("BLEU/unseen", "METEOR/unseen", "TER/unseen"), tasks=("webnlg",)),),
    ),
    Claim(
        "C11",
        "On unseen XSUM topics prefix-tuning beats fine-tuning in every metric.",
        "6.4",
        "ROUGE-L 31.51 against 30.26, and 31.47 against 31.15",
        "prefix against fine-tuning on both splits: the interval is above 0 for every ROUGE",
        tuple(Comparison(PREFIX, FINETUNE, "more", ROUGE, tasks=(task,)) for task in EXTRAPOLATION),
        obstacle="no training article of the public copies of XSUM tells its section, which the splits are made of. It "
        "would take the original extracts with their addresses (204,045 articles) and an encoder-decoder on a GPU: "
        "`prefixrun -m profile=paper experiment=table4_extrapolation data_dir=DIR`",
    ),
    Claim(
        "C12",
        "Adapters extrapolate as well as prefixes: what helps is that the model stays frozen.",
        "6.4",
        "BLEU 47.9 and 45.1 (adapters), 45.3 (prefix), 26.7 (fine-tuning)",
        "unseen part of WebNLG: adapters of 3 % and of 0.1 %, as the paper has them, are above fine-tuning, and less "
        "than the margin below prefix-tuning",
        (
            *(Comparison(size, FINETUNE, "more", ("BLEU/unseen",), tasks=("webnlg",)) for size in ADAPTERS),
            *(Comparison(size, PREFIX, "not less", ("BLEU/unseen",), tasks=("webnlg",)) for size in ADAPTERS),
        ),
    ),
    Claim(
        "C13",
        "Quality rises with the prefix's length up to a threshold and falls a little behind it.",
        "7.1",
        "a figure: best at about 10 (DART) and 200 (XSUM)",
        "three lengths or more: from the shortest to about 10 (XSUM 200) the interval is above 0, from there to the "
        "longest the rise is less than the margin",
        (lengths,),
    ),
    Claim(
        "C14",
        "Long prefixes cost almost no speed.",
        "7.1",
        "in words",
        "processor time of a training step with 40 positions, in alternating rounds with 1 "
        "(scripts/training_speed.py): at most 1.15 times; without that measurement the times per token of runs, the "
        "longest against one a quarter as long or shorter",
        (length_speed,),
    ),
    Claim(
        "C15",
        "Tuning the embedding layer alone is much worse.",
        "7.2",
        "BLEU 62.2 at best against 70.3",
        "prefix against embedding-only: better by more than the margin",
        (Comparison(PREFIX, Arm("embedding"), "clearly more", tasks=TABLES),),
    ),
    Claim(
        "C16",
        "Infix-tuning is a little below prefix-tuning.",
        "7.3",
        "BLEU 67.9 at best against 70.3",
        "prefix against infix: the interval is above 0",
        (Comparison(PREFIX, Arm("infix"), "more", tasks=TABLES),),
    ),
    Claim(
        "C17",
        "With little data initialisation from real words is much better than a random one.",
        "7.4",
        "a figure: random is the lowest by far",
        "words against random at each size up to 500: better by more than the margin",
        (Comparison(WORDS, RANDOM, "clearly more", amount="low"),),
    ),
    Claim(
        "C18",
        "With all data the initialisation does not matter.",
        "7.4",
        "in words",
        "words against random with all pairs: the interval lies within the margin on both sides",
        (Comparison(WORDS, RANDOM, "same", amount="all"),),
        waiting="It takes both initialisations on all 42,061 pairs of E2E with three seeds, six runs of about 2.2 "
        "million tokens each; no grid of the laptop profile has them",
    ),
    Claim(
        "C19",
        "Prefix-tuning with random initialisation beats fine-tuning from more than a fifth of the data on.",
        "7.5",
        "a figure: above fine-tuning beyond 20 %",
        "random prefix against fine-tuning at each share of E2E above 20 %, three subsamples or more of each: the "
        "interval is above 0",
        (Comparison(RANDOM, FINETUNE, "more", amount="share", tasks=("e2e",), at_least=0.2),),
        waiting="`prefixrun -m profile=laptop experiment=figure6_data data_dir=DIR` has 30 runs of 0.2 to 1.8 million "
        "tokens",
    ),
    Claim(
        "C20",
        "Training the keys and values directly is a little worse than through the MLP.",
        "4.3",
        "in words",
        "prefix against prefix without MLP: the interval is above 0 (the paper gives no number)",
        (Comparison(PREFIX, Arm("prefix_flat"), "more"),),
    ),
    Claim(
        "C21",
        "It trains about 30 % faster than fine-tuning.",
        "A",
        "0.2 against 0.3 hours",
        "processor time of a training step in alternating rounds with fine-tuning (scripts/training_speed.py): at most "
        "0.85 times holds, slower does not; without that measurement the times per token of runs on one machine",
        (training_speed,),
    ),
    Claim(
        "C22",
        "A task's prefix is about a thousand times smaller than the model.",
        "1",
        "250 thousand numbers, 1,000 times fewer",
        "prefixes of up to 10 positions: at least 500 times fewer numbers stored",
        (storage,),
    ),
    Claim(
        "C23",
        "Prefixes of many users can be mixed in one batch.",
        "8",
        "an argument, not measured",
        "requests of several users, decoded in one batch and one after the other: every output is the same, and the "
        "interval of the ratio of the times is below 1 (results/measurements/mixed_batch.json, from "
        "scripts/mixed_batch.py)",
        (mixed_batches,),
    ),
    Claim(
        "C24",
        "On unseen categories it may say too little, where fine-tuning says what is not true.",
        "A",
        "examples of outputs",
        "unseen part of WebNLG: of the input's subjects and objects fine-tuning names more (COVERAGE), and it adds "
        "more names and numbers of the release that the input does not have (ADDED, scripts/later_scores.py): each "
        "interval on that side of 0. Wrong relations between right names are not seen",
        (
            Comparison(FINETUNE, PREFIX, "more", ("COVERAGE/unseen",), tasks=("webnlg",)),
            Comparison(PREFIX, FINETUNE, "more", ("ADDED/unseen",), tasks=("webnlg",)),
        ),
    ),
)

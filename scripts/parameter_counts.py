"""Write docs/PARAMETERS.md: python scripts/parameter_counts.py docs/PARAMETERS.md

What the paper says about numbers of parameters, beside the counts of this program on the exact shapes of the models. No
weights are read.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prefixrun.cli.commands.params import count_points
from prefixrun.config.method_sizes import size_override
from prefixrun.config.schema import Config
from prefixrun.files import write_text
from prefixrun.methods.parameter_count import Parameters
from prefixrun.results.display_names import of_method, of_model

HEAD = """\
# The paper's numbers of parameters beside ours

Counted on the exact shapes of the models, without weights; `prefixrun params` counts any other model, method and size.
"Stored" is what a task needs beside the model afterwards, "trained" what the optimiser moves: the MLP of prefix-tuning
is trained and then dropped. Shares are of the whole model.

```
python scripts/parameter_counts.py docs/PARAMETERS.md
```

writes this page, and a test holds it to be what the script writes.
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that is said of a number of parameters, and the words of the run that it is about."""

    said: str
    place: str
    words: str
    of: Literal["stored", "trained", "ratio"] = "stored"
    """What is counted; "ratio" is the whole model over what is stored."""


TABLES = "model=gpt2_medium"
SUMMARIES = "model=bart_large task=xsum method=prefix method.mid_dim=800"

STATEMENTS = (
    Statement("0.1 %", "Table 2 (ACL), E2E and WebNLG", f"{TABLES} method=prefix prefix_len=5"),
    Statement("0.1 %", "Table 2 (ACL), DART", f"{TABLES} method=prefix prefix_len=10"),
    Statement("250K", "text, E2E and WebNLG", f"{TABLES} method=prefix prefix_len=5"),
    Statement("500K", "text, DART", f"{TABLES} method=prefix prefix_len=10"),
    Statement("1000 times fewer", "section 1; E2E", f"{TABLES} method=prefix prefix_len=5", "ratio"),
    Statement("1000 times fewer", "section 1; DART", f"{TABLES} method=prefix prefix_len=10", "ratio"),
    Statement("3 %", "Table 2 (ACL), ADAPTER(3%)", f"{TABLES} method=adapter method.bottleneck=224"),
    Statement("0.1 %", "Table 2 (ACL), ADAPTER(0.1%)", f"{TABLES} method=adapter method.bottleneck=6"),
    Statement("2 %", "Table 3 (ACL), XSUM", f"{SUMMARIES} prefix_len=100"),
    Statement("0.1 %", "Table 3 (ACL), XSUM; its length is not in print", f"{SUMMARIES} prefix_len=5"),
    Statement("15 % trainable", "issue 17 of its repository", f"{SUMMARIES} prefix_len=200", "trained"),
    Statement("no number", "the same for tables", f"{TABLES} method=prefix prefix_len=5", "trained"),
    Statement("no number", "FT-FULL", f"{TABLES} method=finetune"),
    Statement("no number", "FT-TOP2", f"{TABLES} method=finetune_top"),
    Statement(
        *("no number", "FT-TOP2 with the embedding, an option of its code"),
        f"{TABLES} method=finetune_top method.train_embedding=true",
    ),
)

SETTINGS = (
    "model=gpt2_medium,gpt2_large method=prefix prefix_len=1,5,6,10,20,40",
    f"{SUMMARIES} prefix_len=1,5,40,80,100,200",
    "model=gpt2_medium method=embedding,infix prefix_len=1,10,20",
    "model=gpt2_medium method=adapter method.bottleneck=224,100,6",
    "model=gpt2_large method=adapter method.bottleneck=248,8",
    "model=gpt2_medium,gpt2_large,bart_large method=finetune,finetune_top",
)
"""Sweeps over the sizes that the paper has."""

BUDGETS = (
    "model=gpt2_medium method=prefix,infix,finetune_top,adapter,lora budget=0.1%,3%",
    "model=gpt2_large method=prefix budget=0.1%,3%",
    f"{SUMMARIES} budget=0.1%,2%",
)
"""Sweeps over the shares that the paper has."""


def page() -> str:
    """The whole page."""
    sections = (
        *(HEAD, "## What the paper says\n", *_statements()),
        "\nThe paper's code gives GPT-2 a pad token: a row of 1,024 numbers more in its model and in the embedding.\n",
        *("## Counts\n", *_counts(SETTINGS)),
        "\n## What a budget comes to\n",
        "`budget=SHARE%` chooses the size whose stored share comes closest; it is the same run as that size given.\n",
        *_counts(BUDGETS),
    )
    return "\n".join(sections) + "\n"


def _statements() -> Iterator[str]:
    yield "| the paper | where | counted | ours | share |"
    yield "|---|---|---|---:|---:|"
    for each in STATEMENTS:
        ((config, counts),) = _counted(each.words)
        share = counts.trained_share if each.of == "trained" else counts.stored_share
        number = counts.trained if each.of == "trained" else counts.stored
        ours = f"{counts.total / number:,.0f} times fewer" if each.of == "ratio" else f"{number:,}"
        what = "trained" if each.of == "trained" else "stored"
        counted = ", ".join(part for part in (_name(config), size_override(config), what) if part)
        yield f"| {each.said} | {each.place} | {counted} | {ours} | {share:.3f} % |"


def _counts(sweeps: tuple[str, ...]) -> Iterator[str]:
    yield "| model and method | asked for | size | trained | share | stored | share |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for words in sweeps:
        for config, counts in _counted(words):
            numbers = (
                *(f"{counts.trained:,}", f"{counts.trained_share:.3f} %"),
                *(f"{counts.stored:,}", f"{counts.stored_share:.3f} %"),
            )
            yield f"| {' | '.join((_name(config), config.budget or '', size_override(config), *numbers))} |"


def _name(config: Config) -> str:
    return f"{of_model(config.model.name)}, {of_method(config.method.name)}"


def _counted(words: str) -> Iterator[tuple[Config, Parameters]]:
    for row in count_points(words.split()):
        if row.point.config is None or row.counts is None:
            raise SystemExit(f"{row.label}: {row.reason}")
        yield row.point.config, row.counts


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), page())

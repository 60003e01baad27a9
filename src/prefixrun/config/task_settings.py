"""The sections `task` and `data`: what is generated from what, and how corpora are read."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.field_types import HUB_NAME, NO_NUMBER, Count, Name, Pattern, TextList

GENERATED_TASKS = ("sort_letters", "shift_letters", "majority")
"""Tasks whose examples the program makes itself: see data.generated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskConfig:
    """What is generated from what."""

    name: Name
    """Name of the task; its files lie in data_dir/NAME/."""
    linearisation: Literal["paper", "plain"] = "paper"
    """How an input becomes one string: "paper" is the form that the paper's code reads, "plain" the release's own."""
    metrics: Annotated[str, TextList("metrics")] | None = None
    """Scored like this task of the paper (e2e, webnlg, dart or xsum), or with metrics of one's own choice, the main one
    first: BLEU, BLEU-CHAR, NIST, METEOR, TER, CIDEr, chrF, ROUGE-1, ROUGE-2, ROUGE-L, EM. An own task has to say it;
    the others are scored as themselves."""
    max_source_tokens: Count | None = None
    """Inputs of more tokens lose their end, in training, development and test alike; how many did is shown and
    recorded. The separator behind the input does not count. 512 for XSUM, as in the paper; none for no limit."""
    default_words: str | None = None
    """Text that init=words takes when neither init_words nor init.default_words is given."""
    source_column: str | None = None
    """For own tasks, as are the keys below: the column (or key) with the input; "source" where it is not set."""
    reference_columns: Annotated[str, TextList("columns")] | None = None
    """The column with the right text or the list of right texts, or several such columns, whose empty cells are left
    out; "target" or "references", whichever there is, where it is not set."""
    id_column: str | None = None
    """The column with a unique name of each input; "id", if there is one, where it is not set."""
    group_column: str | None = None
    """The column with the group that an input is scored apart in; "group", if there is one, where it is not set."""
    merge_rows: bool = False
    """Make one input with several references of the rows that share an input (and group), wherever they stand; the
    first row gives the id."""
    train_split: Name = "train"
    """Name of the training part: train.csv and the like, or the split of a data set."""
    dev_split: Name | None = None
    """Name of the development part; "dev", or "validation" where there is none of that name, where it is not set."""
    test_split: Name = "test"
    """Name of the test part."""
    dataset: Annotated[str, Pattern(HUB_NAME, "a name on the Hugging Face hub with its owner, OWNER/NAME")] | None = (
        field(default=None, metadata=NO_NUMBER)
    )
    """Data set on the Hugging Face hub or in its cache, in place of files in data_dir/NAME/. Its rows are part of what
    a run is, wherever they come from."""
    dataset_config: str | None = field(default=None, metadata=NO_NUMBER)
    """Configuration of that data set, for one that has several."""
    dataset_revision: str | None = field(default=None, metadata=NO_NUMBER)
    """Revision of that data set on the hub (branch, tag or commit); none means the main branch."""
    instruction: str | None = None
    """For model.layout=chat: what the user asks for, in a line before each input; task.default_words where it is not
    set."""

    @property
    def scored_as(self) -> str:
        """What it is scored as: a task of the paper, or names of metrics; an own task without metrics has none."""
        return self.metrics or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """How corpora are read."""

    verify: Literal["on", "off"] = "on"
    """Refuse a copy of a corpus whose counts or checksums are not the release's; "off" takes it as it is, and the
    result says so."""

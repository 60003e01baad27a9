"""The settings of a benchmark: which parts to measure, on what, and how much of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from prefixrun.errors import ConfigError, shortened

PARTS = ("train", "decode", "curve", "all")
DIGITS = 12
"""Of the largest number that is read."""
CHOICES = {
    "precision": ("fp32", "bf16"),
    "points": ("quick", "full"),
    "device": ("cpu", "cuda"),
    "weights": ("published", "random"),
    "clock": ("wall", "processor"),
    "peers": ("all", "plain", "none"),
}
"""The settings that take one of a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings. The defaults take about a quarter of an hour on two cores."""

    part: str = "all"
    """train, decode, curve or all (train and decode); given without a key."""
    data_dir: str = ""
    """Directory of the real corpora; empty for the sample corpus of the package."""
    json: str = ""
    """File that everything measured is written to; empty for none."""
    precision: str = "fp32"
    """Number format of the frozen model on both sides: fp32 or bf16."""
    device: str = "cpu"
    """cpu, or cuda for both sides on the GPU."""
    points: str = "full"
    """Of the part curve: full, or quick for the ends of each axis alone."""
    clock: str = "wall"
    """wall, or processor for the time that each side has had of the processor, which other programs on the machine
    disturb less; with threads=1, because threads that wait for each other count too."""
    peers: str = "all"
    """all, plain without LoRA and the static cache, or none."""
    our_batches: str = "8,16,32"
    """Batch sizes that prefixrun decodes with once, to go on with the fastest; with a single one nothing is tried."""
    peer_batches: str = "1,4,8,16"
    """The same of the peers."""
    prefix: str = ""
    """The prefix.safetensors of a finished run of this model and length, which saves preparing one; empty for none."""
    threads: int = 0
    """CPU threads of each side; 0 leaves the choice to PyTorch."""
    model: str = "smollm2_135m"
    """A choice of the model group in conf/model/."""
    weights: str = "published"
    """published, or random for a model of the exact shape without its weights, such as GPT-2 Medium without a hub."""
    prefix_len: int = 10
    """Positions of the prefix, num_virtual_tokens in PEFT."""
    rank: int = 8
    """Of the LoRA rows, which update queries and values."""
    rounds: int = 3
    """Rounds of each measurement; the sides take turns in each."""
    prepare_steps: int = 40
    """Steps that train the prefix which both sides start from and decode with."""
    train_pairs: int = 56
    """Training pairs of a round, rounded up to all references of the last input."""
    train_batch: int = 8
    """Pairs of a batch."""
    decode_inputs: int = 32
    """Test inputs of a round, spread evenly over the test set."""
    max_new_tokens: int = 60
    """Longest output, in tokens."""

    @property
    def sizes_tried(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Batch sizes of prefixrun and of the peers, ascending."""
        ours, theirs = (
            sorted({int(size) for size in text.split(",")}) for text in (self.our_batches, self.peer_batches)
        )
        return tuple(ours), tuple(theirs)

    @property
    def trains(self) -> bool:
        return self.part in ("train", "all")

    @property
    def decodes(self) -> bool:
        return self.part in ("decode", "all")


def parse(arguments: Sequence[str]) -> Plan:
    """The plan of `[train|decode|curve|all] [key=value ...]`.

    Raises:
        ConfigError: naming every problem.
    """
    kinds: dict[str, type] = {name: type(value) for name, value in asdict(Plan()).items()}
    values: dict[str, object] = {}
    problems = []
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals:
            key, text = "part", argument
        if key not in kinds:
            close = difflib.get_close_matches(key, kinds, n=1)
            problems.append(f"{argument}: no such key" + (f"; did you mean {close[0]}?" if close else ""))
        elif kinds[key] is int and not _is_number(text):
            problems.append(f"{shortened(argument)}: not a whole number")
        else:
            values[key] = kinds[key](text)
    plan = Plan(**values)  # type: ignore[arg-type]
    problems += _problems(plan)
    if problems:
        raise ConfigError("\n".join(problems))
    return plan


def _is_number(text: str) -> bool:
    """Whether it is a whole number of a size that can be read."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def _problems(plan: Plan) -> list[str]:
    problems = []
    if plan.part not in PARTS:
        problems.append(f"{plan.part}: give one of {', '.join(PARTS)}, and settings as key=value")
    for name, choices in CHOICES.items():
        if getattr(plan, name) not in choices:
            problems.append(f"{name}={getattr(plan, name)}: give {' or '.join(choices)}")
    for name in ("our_batches", "peer_batches"):
        sizes = getattr(plan, name).split(",")
        if not all(_is_number(size) and int(size) for size in sizes):
            problem = f"{name}={shortened(getattr(plan, name))}: give whole numbers above 0 with commas between them"
            problems.append(problem)
    if plan.part == "curve" and plan.peers == "none":
        problems.append("curve, peers=none: the curve is the speed beside the peer's; give peers=plain, or part train")
    if plan.clock == "processor" and (plan.device != "cpu" or plan.threads != 1):
        problems.append("clock=processor: counts the work of one thread on the CPU; give threads=1 device=cpu with it")
    for name in ("prefix_len", "rank", "rounds", "prepare_steps", "train_pairs", "train_batch", "decode_inputs"):
        if getattr(plan, name) < 1:
            problems.append(f"{name}={getattr(plan, name)}: must be at least 1")
    if plan.max_new_tokens < 2:
        problems.append(f"max_new_tokens={plan.max_new_tokens}: must be at least 2")
    return problems

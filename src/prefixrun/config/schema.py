"""All settings, as frozen dataclasses: those of the whole run here, those of each section in a module of its own.

They are the reference manual: the string under each field is what ``prefixrun --help`` prints, and the type says which
values are accepted. Defaults here are the ones that hold whatever the profile; the others are set in ``conf/``.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.decode_settings import DecodeConfig
from prefixrun.config.field_types import (
    DEVICES,
    NO_NUMBER,
    PLACE,
    REPEAT,
    TRACKERS,
    Count,
    Name,
    Pattern,
    Range,
    Seed,
    Share,
)
from prefixrun.config.method_settings import InitConfig, MethodConfig
from prefixrun.config.model_settings import ModelConfig
from prefixrun.config.task_settings import DataConfig, TaskConfig
from prefixrun.config.train_settings import DistillConfig, TrainConfig

__all__ = [
    "Config",
    "DataConfig",
    "DecodeConfig",
    "DistillConfig",
    "InitConfig",
    "MethodConfig",
    "ModelConfig",
    "TaskConfig",
    "TrainConfig",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One run."""

    profile: Literal["quick", "laptop", "paper"] = field(metadata=NO_NUMBER)
    """Bundle of the other settings by purpose; any key given on the command line wins over it."""
    data_dir: str | None = field(default=None, metadata=PLACE)
    """Directory of the real corpora in their release formats, one sub-directory a task; none means the small sample
    corpus that comes with the program. Tasks that the program generates need none."""
    results_dir: str = field(default="results", metadata=PLACE)
    """Where runs are written, under RESULTS_DIR/runs/."""
    prefix_len: Count = 10
    """Length of the prefix in positions (of the infix, or of the virtual tokens)."""
    budget: Annotated[str, Pattern(r"[0-9]{1,6}(\.[0-9]{1,20})?%", "a number and %, as in 0.1%")] | None = field(
        default=None, metadata=NO_NUMBER
    )
    """Share of the model's parameters that may be stored, such as 0.1%: prefix length, adapter width, LoRA rank or
    number of top layers is chosen to come closest to it. The run is the same as with that number given itself."""
    init_words: str | None = None
    """Text whose activations initialise the prefix (init=words); it must have exactly prefix_len tokens, as in the
    paper. None takes init.default_words, or task.default_words."""
    data_fraction: Share = 1.0
    """Share of the training pairs that is used, drawn with subsample_seed."""
    train_size: Count | None = None
    """Number of training pairs that are used instead, drawn with subsample_seed."""
    eval_split: Literal["test", "dev"] = "test"
    """Which part is decoded and scored. The authors scored their low-data models of E2E on "dev"."""
    test_size: Count | None = None
    """Score only so many inputs of that part, the same for every run; the result says so."""
    seed: Seed = field(default=101, metadata=REPEAT)
    """Seed of initialisation, order and dropout; 101 is the default of the paper's code."""
    subsample_seed: Seed = field(default=0, metadata=REPEAT)
    """Seed of the choice of training pairs."""
    keep_trained: bool = field(default=True, metadata=NO_NUMBER)
    """Keep what was trained after the scores are there; off saves the disk from fine-tuned copies of the model."""
    variant: Name | None = field(default=None, metadata=NO_NUMBER)
    """The bundle of disagreements between paper and code that was chosen with variant=NAME; only a label, the
    settings of the bundle count themselves."""
    recipe: str | None = field(default=None, metadata=NO_NUMBER)
    """The file of conf/ that the training values come from, with its source; only a label that the file sets."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Number format that the model computes in; what is trained is float32. bf16 takes about half the time on a GPU and
    on processors with instructions for it (AVX512-BF16, AMX). fp16 is for GPUs without bf16; the loss is scaled, and
    models that leave its range, as T5 does, are refused by their loss."""
    device: Annotated[str, Pattern(DEVICES, "one of auto, cpu, cuda, mps and xpu, or cuda:NUMBER or xpu:NUMBER")] = (
        field(default="auto", metadata=NO_NUMBER)
    )
    """Where the run computes: "cpu", a GPU of NVIDIA or AMD ("cuda", "cuda:1"), Apple ("mps") or Intel ("xpu"); "auto"
    takes "cuda" if there is one, else the CPU."""
    threads: Annotated[int, Range(1, limit=1024)] | None = field(default=None, metadata=NO_NUMBER)
    """CPU threads; none leaves the choice to PyTorch."""
    tracker: Annotated[
        str, Pattern(TRACKERS, "none, or some of tensorboard, wandb, mlflow and trackio with + between them")
    ] = field(default="none", metadata=PLACE)
    """Experiment trackers that the run is sent to: tensorboard, wandb, mlflow, trackio, or several with + between them;
    see docs/TRACKERS.md."""
    data: DataConfig
    task: TaskConfig
    model: ModelConfig
    method: MethodConfig
    init: InitConfig
    train: TrainConfig
    distill: DistillConfig
    decode: DecodeConfig

    @property
    def default_words(self) -> str | None:
        """The text of init=words when init_words does not give one: the initialisation's own, or the task's."""
        return self.init.default_words or self.task.default_words

    @property
    def instruction(self) -> str | None:
        """What the user asks for in a chat: the instruction of discrete prompting, or the task's."""
        return self.method.instruction or self.task.instruction or self.task.default_words

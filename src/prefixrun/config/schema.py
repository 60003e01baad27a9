"""Everything a run can be told, as frozen dataclasses.

This module is the reference manual: the string under each field is what ``prefixrun --help`` prints, and the type says
which values are accepted. Defaults here are the ones that hold whatever the profile; the others are set in ``conf/``.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.field_types import (
    DEVICES,
    HUB_NAME,
    NO_NUMBER,
    PLACE,
    REPEAT,
    TRACKERS,
    Count,
    CountOrZero,
    Factor,
    Layers,
    Listed,
    Name,
    OneOf,
    Pattern,
    Range,
    Rate,
    Seed,
    Share,
)
from prefixrun.config.method_specs import ALL_STARTS, METHOD_SPECS


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskConfig:
    """What is generated from what."""

    name: Name
    """Name of the task; its files lie in data_dir/NAME/."""
    linearisation: Literal["paper", "plain"] = "paper"
    """How an input becomes one string: "paper" is the form that the paper's code reads, "plain" the release's own."""
    metrics: Annotated[str, Listed("metrics")] | None = None
    """Scored like this task of the paper (e2e, webnlg, dart or xsum), or with metrics of one's own choice, the main one
    first: BLEU, BLEU-CHAR, NIST, METEOR, TER, CIDEr, chrF, ROUGE-1, ROUGE-2, ROUGE-L. An own task has to say it; the
    others are scored as themselves."""
    max_source_tokens: Count | None = None
    """Inputs of more tokens lose their end, in training, development and test alike; how many did is said and
    recorded. The separator behind the input does not count. 512 for XSUM, as in the paper; none for no limit."""
    default_words: str | None = None
    """Text that init=words starts from when neither init_words nor init.default_words is given."""
    source_column: str | None = None
    """For own tasks, as are the keys below: the column (or key) with the input; "source" where it is not set."""
    reference_columns: Annotated[str, Listed("columns")] | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The frozen language model."""

    name: Name
    """Name shown in tables and in the run's directory."""
    source: Literal["package", "hub", "path", "random"]
    """Where the weights come from: an installed Python package, the Hugging Face hub or its cache, a local directory,
    or random numbers (tests only)."""
    hub: str | None = None
    """Name on the Hugging Face hub, for source "hub"."""
    revision: str | None = None
    """Revision on the hub (branch, tag or commit); none means the main branch."""
    path: str | None = field(default=None, metadata=PLACE)
    """Directory in Hugging Face format, for source "path"."""
    architecture: (
        Literal[
            "tiny_gpt2",
            "tiny_llama",
            "tiny_bart",
            "tiny_t5",
            "gpt2",
            "gpt2_medium",
            "gpt2_large",
            "bart_base",
            "bart_large",
            "t5_base",
            "smollm2_135m",
            "qwen3_0_6b",
            "smollm2_360m",
            "smollm3_3b",
            "llama3_2_1b",
            "gemma3_270m",
            "pythia_160m",
            "pythia_410m",
            "opt_125m",
            "opt_350m",
            "olmo2_1b",
            "phi3_mini",
            "flan_t5_base",
            "pegasus_xsum",
            "mbart",
        ]
        | None
    ) = None
    """Shape of the model. With source "random" it gets random weights (the tiny ones are for tests and smoke runs);
    otherwise it only serves to count parameters where the weights are not here."""
    layout: Literal["paper", "lines", "chat", "bart", "t5", "auto"] = "paper"
    """How input and target become token sequences. "paper": blank input blank END blank target blank END, as its code
    has it for GPT-2; "lines": blank input line-break target END, a better start for an instruction-tuned model;
    "chat": a user's turn with task.instruction and the input, and the model's turn with the target, in the frame of the
    tokenizer's chat template, for instruction-tuned models;
    "bart" and "t5": the encoder reads the input, the decoder the target, each with the model's own special tokens;
    "auto": the one that the model's configuration asks for."""
    quantize: Literal["int8", "nf4"] | None = None
    """Hold the frozen weights of the model's projections in 8 bits (int8, a scale a row) or 4 (nf4, Dettmers et al.
    2023), rounded, for less memory; embeddings, norms and the output layer keep `precision`, in which everything is
    computed. What is trained is float32 as ever. Needs torchao: pip install 'prefixrun[quantized]'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig:
    """Which parameters are trained."""

    name: Annotated[str, OneOf(lambda: tuple(METHOD_SPECS))]
    """"prefix" trains an MLP that makes the keys and values (section 4.3 of the paper); "prefix_flat" trains the keys
    and values themselves; "prefix_gated" gives them a softmax of their own behind a gate that starts at zero;
    "prefix_plus" adds a trained function of the query to the output of attention; "embedding" trains prefix_len input
    embeddings (section 7.2), "infix" keys and values between input and output (section 7.3); "finetune" all parameters;
    "finetune_top" the top layers; "adapter" bottleneck layers; "lora" low-rank updates through PEFT; "prompt" trains
    nothing and puts a text in front."""
    mid_dim: Count = 512
    """Width of the MLP's hidden layer, k in the paper: 512 for tables, 800 for XSUM (appendix A)."""
    mlp: bool = True
    """For embedding and infix: train an MLP that makes the vectors, as "prefix" does, instead of the vectors."""
    prefix_dropout: Annotated[float, Range(0, 0.95)] = 0.0
    """Dropout on the prefix's keys and values while training; 0 in the paper's code."""
    sites: Literal["all", "encoder", "decoder", "cross", "encoder+decoder", "encoder+cross", "decoder+cross"] = "all"
    """Attention sites of an encoder-decoder that get a prefix, three independent ones in the paper's code; a
    decoder-only model has one."""
    layers: Layers | None = None
    """Layers that are trained (finetune_top, 2 in the paper) or get a prefix (all where it is not set). A number counts
    from the top; FIRST-LAST are those from one to the other, counted from 0, and FIRST-LAST/2 every second of them."""
    nested: bool = False
    """For the prefixes: each training batch uses the first positions alone, as many as are drawn anew from 1 to
    prefix_len, so that every shorter prefix can be cut from the trained one; the result has the development losses."""
    train_embedding: bool = False
    """For finetune_top: train the input embedding too, which is tied to the output layer (one option of the paper's
    code)."""
    adapter_form: Literal["block", "houlsby"] = "block"
    """For adapter: "block" has one behind each complete block (the paper's), "houlsby" one behind each sub-layer."""
    bottleneck: Count | None = None
    """For adapter: width between the two projections; without it budget decides."""
    rank: Count | None = None
    """For lora: rank of the update; without it budget decides."""
    lora_alpha: Factor | None = None
    """For lora: numerator of the update's scale alpha / rank; twice the rank where it is not set."""
    lora_dropout: Annotated[float, Range(0, 0.95)] = 0.0
    """For lora: dropout in front of the update while training."""
    lora_modules: Literal["qv", "attention", "all"] = "qv"
    """For lora: which projections are updated: queries and values, all of the attention, or all linear layers."""
    instruction: str | None = None
    """For prompt: the text in front of the examples and the input, in a chat before each input;
    task.instruction (chat) or task.default_words where it is not set."""
    shots: CountOrZero = 0
    """For prompt: training pairs that are shown, chosen with subsample_seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitConfig:
    """How the prefix starts."""

    name: Annotated[str, OneOf(lambda: ALL_STARTS)]
    """"words" starts from the model's activations for init_words; "random" from the initialisation of PyTorch's
    layers, as the paper's code does; "uniform" from uniform(0, 1), as its appendix says; "zero" from keys and values
    of zero; "vocab" from the activations of tokens drawn from the vocabulary; "text" from those of init.text or
    init.file; "examples" from those of training pairs; "run" from the prefix that another run has trained."""
    fit_steps: Count = 500
    """Steps that fit the MLP to a start that is not random (method prefix)."""
    fit_lr: Rate = 1e-4
    """Learning rate of that fit."""
    default_words: str | None = None
    """Text that is used without init_words, repeated and cut to prefix_len; the task's where it is not set."""
    text: str | None = field(default=None, metadata=NO_NUMBER)
    """For init=text: a text of any length. Without prefix_len or budget the prefix is as long as the text."""
    file: str | None = field(default=None, metadata=PLACE)
    """For init=text: the file in UTF-8 that holds the text instead."""
    run: str | None = field(default=None, metadata=PLACE)
    """For init=run: a finished run of results_dir, by the beginning of its id, or its directory. It has the same
    model and sites; without prefix_len or budget the prefix is as long as its own."""
    examples: Count = 5
    """For init=examples: training pairs that are read one behind the other, chosen with subsample_seed."""
    positions: Literal["even", "first", "last"] = "even"
    """For init=text and init=examples: which positions of a longer text become the prefix, evenly spaced ones that
    begin with the first, the first ones, or the last ones. Keys move to the positions of the prefix."""
    digest: str | None = None
    """SHA-256 of the text or of the other run's prefix, which the program fills in: so their contents are part of
    what a run is, wherever they lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Optimisation: AdamW with linear decay to zero."""

    objective: Literal["targets", "distill"] = "targets"
    """What is learnt: "targets" the texts of the training pairs; "distill" what the frozen model itself predicts at
    their positions with an instruction or examples in its context (distill.text, distill.file, distill.examples): the
    Kullback-Leibler divergence from that teacher is the loss, as in Cartridges (Eyuboglu et al. 2025)."""
    epochs: Count
    """Passes over the training pairs."""
    max_steps: Count | None = None
    """Stop after so many optimiser steps, if that is before the last epoch ends; the decay ends there too."""
    lr: Rate
    """Learning rate at the end of the warm-up."""
    batch_size: Count
    """Training pairs in one batch."""
    accumulate: Count = 1
    """Batches whose gradients are added up for one optimiser step."""
    weight_decay: Annotated[float, Range(0, limit=1e3)] = 0.0
    """Decoupled weight decay of AdamW; 0 in the paper's code."""
    warmup_steps: CountOrZero = 0
    """Steps in which the learning rate grows from zero; 0 in the paper for full data, 100 for low data."""
    clip_norm: Annotated[float, Range(0, above=True, limit=1e30)] = 1.0
    """Largest norm of the gradient; larger ones are scaled down to it."""
    loss_mode: Literal["sentence_sum", "token_mean"]
    """"sentence_sum": sum over a target's tokens, mean over the batch (the paper's code); "token_mean": mean over all
    target tokens of the batch."""
    targets_per_row: Count
    """Most targets of one input that are put behind a single copy of it, hidden from each other: the gradients of
    separate pairs with fewer tokens. 1 is the paper's; more changes which pairs share a batch."""
    eval_examples: CountOrZero
    """Development pairs whose loss is measured; 0 measures none. They come from the task's development corpus, except
    where that is what is scored (eval_split=dev): then from the training pairs that were not chosen, so that nothing
    that is decided by this loss has seen a scored input."""
    dev_share: Share | None = None
    """Size of the development part as a share of the training pairs that are used, rounded down, instead of
    train.eval_examples: 0.3 in the paper's low-data protocol (section 6.3). It is drawn with subsample_seed, so that
    each of the five subsamples has a part of its own. Where it is not set, train.eval_examples counts."""
    eval_every: Count | None = None
    """Optimiser steps between two measurements of the development loss; none means once an epoch."""
    keep: Literal["last", "best"] = "last"
    """Which state is used after training: the last, or the one with the lowest development loss (the paper's low-data
    runs)."""
    patience: CountOrZero | None = None
    """Stop when the development loss has not improved for more than so many measurements; none never stops early."""
    diverged_factor: Annotated[float, Range(1, above=True, limit=1e6)] | None = field(default=2.5, metadata=NO_NUMBER)
    """A run whose training loss has risen to more than so many times its start (a start below 1 nat counts as 1) has
    diverged: it stops, keeps its state of the lowest development loss, and says which rate to try. None never stops a
    run for that."""
    diverged_steps: Count = field(default=20, metadata=NO_NUMBER)
    """Over how many steps the mean of that loss is taken, so that a run that recovers from some bad steps goes on. At
    the end of a shorter training it is the mean of all steps but the first."""
    lm_dropout: bool = False
    """Keep the language model's own dropout on while training. In the paper's code it is off for GPT-2 with a prefix
    and on for the other methods and for BART."""
    gradient_checkpointing: bool = field(default=False, metadata=NO_NUMBER)
    """Keep only the inputs of the model's blocks for the gradients and compute the rest again: less memory, about a
    third more time, the same numbers."""
    checkpoint_every: Count = field(metadata=NO_NUMBER)
    """Optimiser steps between two checkpoints."""
    label_smoothing: Annotated[float, Range(0, 0.99)] = 0.0
    """Share of the target distribution that is spread evenly over the vocabulary while training; 0 in the paper, 0.1 in
    LoRA's. The development loss has none."""
    adam_beta1: Annotated[float, Range(0, 0.9999)] = 0.9
    """Decay of AdamW's running mean of the gradient."""
    adam_beta2: Annotated[float, Range(0, 0.999999)] = 0.999
    """Decay of AdamW's running mean of the squared gradient."""
    adam_eps: Rate = 1e-8
    """Added to AdamW's denominator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillConfig:
    """What the teacher of train.objective=distill has in its context: an instruction, then examples."""

    text: str | None = field(default=None, metadata=NO_NUMBER)
    """The instruction, in front of the examples and the input."""
    file: str | None = field(default=None, metadata=PLACE)
    """The file in UTF-8 that holds the instruction instead."""
    examples: CountOrZero = 0
    """Training pairs that are shown to the teacher, chosen with subsample_seed."""
    digest: str | None = None
    """SHA-256 of the instruction, which the program fills in: so its content is part of what a run is, wherever it
    lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeConfig:
    """How outputs are generated."""

    name: Name
    """Name of this setting."""
    beams: Count = 5
    """Width of the beam search; 1 is greedy."""
    max_new_tokens: Count = 100
    """Most tokens generated for one input."""
    length_penalty: Annotated[float, Range(-20, 20)] = 1.0
    """Exponent of the length that a finished beam's log-probability is divided by."""
    length_norm: Literal["total", "generated"]
    """Which length that is: "total" counts the input and the output (the paper's code), "generated" only the output
    (recent versions of transformers). The input of an encoder-decoder is not part of it, only its start token."""
    min_new_tokens: CountOrZero = 0
    """Tokens that an output has at least before its end token. A min_length of 11 in the paper's BART code is 10 here,
    as its lengths count the start token."""
    no_repeat_ngram: CountOrZero = 0
    """No sequence of so many tokens is written twice in one output; 0 allows it, 1 allows no token twice."""
    ban_newlines: bool
    """Never generate a line break, as in the paper's code."""
    repetition_penalty: Annotated[float, Range(0, 100, above=True)] = 1.0
    """What makes a token of the input or of the output so far less likely to be written again (Keskar et al. 2019,
    section 4.1, as transformers applies it); 1 changes nothing. An encoder's input does not count."""
    outputs: Count = 1
    """Outputs of each input: the best hypotheses of the beam search, or as many samples. The first is scored."""
    sample: bool = False
    """Draw each token from the model's distribution instead of searching for the most probable output; needs
    decode.beams=1."""
    temperature: Factor = 1.0
    """For decode.sample: what the logits are divided by; less than 1 prefers likely tokens more."""
    top_k: CountOrZero = 0
    """For decode.sample: only so many of the most likely tokens may be drawn; 0 allows all."""
    top_p: Share = 1.0
    """For decode.sample: only the most likely tokens that together have this probability may be drawn (nucleus
    sampling, Holtzman et al. 2020)."""
    seed: Seed = field(default=0, metadata=REPEAT)
    """Seed of decode.sample. The samples of an input depend on it and on the input alone, not on what shares its
    batch."""
    batch_size: Count = field(metadata=NO_NUMBER)
    """Inputs decoded together; the outputs do not depend on it."""
    graphs: bool = field(default=False, metadata=NO_NUMBER)
    """Record the kernels of a step and launch them together (CUDA graphs), for decoder-only models on GPUs of NVIDIA;
    elsewhere it changes nothing. Not measured, see docs/GPU.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One run."""

    profile: Literal["quick", "laptop", "paper"] = field(metadata=NO_NUMBER)
    """Bundle of the other settings by purpose; any key given on the command line wins over it."""
    data_dir: str | None = field(default=None, metadata=PLACE)
    """Directory of the real corpora in their release formats, one sub-directory a task; none means the small sample
    corpus that comes with the program."""
    results_dir: str = field(default="results", metadata=PLACE)
    """Where runs are written, under RESULTS_DIR/runs/."""
    prefix_len: Count = 10
    """Length of the prefix in positions (of the infix, or of the virtual tokens)."""
    budget: Annotated[str, Pattern(r"[0-9]{1,6}(\.[0-9]{1,20})?%", "a number and %")] | None = field(
        default=None, metadata=NO_NUMBER
    )
    """Share of the model's parameters that may be stored, such as 0.1%: prefix length, adapter width, LoRA rank or
    number of top layers is chosen to come closest to it. The run is the same as with that number given itself."""
    init_words: str | None = None
    """Text whose activations the prefix starts from (init=words); it must have exactly prefix_len tokens, as in the
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

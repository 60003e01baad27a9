"""The sections `method` and `init`: which parameters are trained, and how they are initialised."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.field_types import (
    NO_NUMBER,
    PLACE,
    REPEAT,
    WEIGHTS,
    Count,
    CountOrZero,
    Factor,
    Layers,
    OneOf,
    Pattern,
    Range,
    Rate,
)
from prefixrun.config.method_specs import ALL_INITS, COMBINATIONS, METHOD_SPECS


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig:
    """Which parameters are trained."""

    name: Annotated[str, OneOf(lambda: tuple(METHOD_SPECS))]
    """"prefix" trains an MLP that makes the keys and values (section 4.3 of the paper); "prefix_flat" trains the keys
    and values themselves; "prefix_gated" gives them a softmax of their own behind a gate that starts at zero;
    "prefix_plus" adds a trained function of the query to the output of attention; "prefix_combined" makes one prefix of
    those of other runs and trains nothing; "embedding" trains prefix_len input embeddings (section 7.2), "infix" keys
    and values between input and output (section 7.3); "finetune" all parameters; "finetune_top" the top layers;
    "adapter" bottleneck layers; "lora" low-rank updates through PEFT; "prompt" trains nothing and puts a text in
    front."""
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
    query: Literal["rotated", "unrotated"] = "rotated"
    """For prefix_plus: whether it reads queries as attention does, turned by their position (rotary embeddings), or as
    they are before. In a model without rotary embeddings both are the same."""
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
    runs: str | None = field(default=None, metadata=PLACE)
    """For prefix_combined: finished runs of results_dir with + between them, each by the beginning of its id, its
    directory, or as TASK or TASK@SEED: the run of a prefix on that task with this run's prefix_len, seed, training
    pairs and steps; of several, that with its learning rate."""
    combine: Annotated[str, OneOf(lambda: COMBINATIONS)] | None = None
    """How these become one: "concatenate" puts one behind the other, "average" and "sum" add keys and values position
    by position, "keys_values" takes the keys of the first and the values of the second."""
    weights: Annotated[str, Pattern(WEIGHTS, "numbers with : between them, as in 1:1:-1")] | None = None
    """For average and sum: the weight of each run; an average divides by their sum. Equal weights of 1 where it is not
    set."""
    sources: str | None = None
    """The tasks of these runs, which the program fills in."""
    digest: str | None = field(default=None, metadata=REPEAT)
    """SHA-256 of their prefixes, which the program fills in; combinations of other seeds are repetitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitConfig:
    """How the prefix is initialised."""

    name: Annotated[str, OneOf(lambda: ALL_INITS)]
    """"words" takes the model's activations for init_words; "random" from the initialisation of PyTorch's
    layers, as the paper's code does; "uniform" from uniform(0, 1), as its appendix says; "zero" from keys and values
    of zero; "vocab" from the activations of tokens drawn from the vocabulary; "text" from those of init.text or
    init.file; "examples" from those of training pairs; "run" from the prefix that another run has trained."""
    fit_steps: Count = 500
    """Steps that fit the MLP to an initialisation that is not random (method prefix)."""
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

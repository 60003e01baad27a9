"""The section `model`: the frozen language model."""

from dataclasses import dataclass, field
from typing import Literal

from prefixrun.config.field_types import PLACE, Count, Name


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
    layers: Count | None = None
    """Use only so many of the model's layers, the first ones, of a decoder-only model: a probe of what depth does, no
    model that anybody trained at that size. Its name then ends in _firstNUMBER."""

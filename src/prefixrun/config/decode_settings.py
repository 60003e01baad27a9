"""The section `decode`: how outputs are generated."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.field_types import NO_NUMBER, Count, CountOrZero, Name, Range, Seed, Share


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
    """Never generate a token that is made of line breaks alone, as in the paper's code (of byte-level BPE, as GPT-2 has
    it; other tokens may hold one). Outputs are one line in any case."""
    repetition_penalty: Annotated[float, Range(0, 100, above=True)] = 1.0
    """What makes a token of the input or of the output so far less likely to be written again (Keskar et al. 2019,
    section 4.1, as transformers applies it); 1 changes nothing. An encoder's input does not count."""
    outputs: Count = 1
    """Outputs of each input: the best hypotheses of the beam search, or as many samples. The first is scored."""
    sample: bool = False
    """Draw each token from the model's distribution instead of searching for the most probable output; needs
    decode.beams=1."""
    temperature: Annotated[float, Range(1e-4, limit=1e6)] = 1.0
    """For decode.sample: what the logits are divided by; less than 1 prefers likely tokens more."""
    top_k: CountOrZero = 0
    """For decode.sample: only so many of the most likely tokens may be drawn; 0 allows all."""
    top_p: Share = 1.0
    """For decode.sample: only the most likely tokens that together have this probability may be drawn (nucleus
    sampling, Holtzman et al. 2020)."""
    seed: Seed = 0
    """Seed of decode.sample. The samples of an input depend on it and on the input alone, not on what shares its
    batch."""
    batch_size: Count = field(metadata=NO_NUMBER)
    """Inputs decoded together; the outputs do not depend on it."""
    graphs: bool = field(default=False, metadata=NO_NUMBER)
    """Record the kernels of a step and launch them together (CUDA graphs), for decoder-only models on GPUs of NVIDIA;
    elsewhere it changes nothing. Not measured, see docs/GPU.md."""

"""The methods: one entry each, which everything else asks. Imports no torch.

A new method is a module with `build` and `restore` (see `prefixrun.methods`) and an entry in `METHOD_SPECS`; it is then
a choice of ``method=``. A file conf/method/NAME.yaml is only needed for settings that the choice brings with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

COMBINATIONS = ("concatenate", "average", "sum", "keys_values")
"""The values of method.combine: see schema.MethodConfig."""
ALL_INITS = ("words", "random", "uniform", "zero", "vocab", "text", "examples", "run")
"""The values of init.name: see schema.InitConfig."""
TOKEN_INITS = ALL_INITS[:5]
"""Those that need no more than the tokens of prefix_len positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """What the program knows of a method beside how it computes."""

    name: str
    """As in ``method=NAME``."""
    label: str = ""
    """Name in tables and figures."""
    short_label: str = ""
    """Name on the terminal; empty is the same as `name`."""
    colour: str = "#7F7F7F"
    """Colour in figures, of Okabe & Ito's palette, which is made for readers with any colour vision."""
    marker: str = "o"
    """Marker in figures, in matplotlib's notation."""
    size_key: str | None = None
    """Key of the number that says how large the method is, which a budget can choose; None where it has no size."""
    compared_by_share: bool = False
    """Whether tables tell runs of the method apart by the share of parameters that they store, as the paper does."""
    settings: tuple[str, ...] = ()
    """Keys that only some methods read, this one among them. The other methods refuse them."""
    decoder_only: str = ""
    """Why the method needs a decoder-only model; empty where it works on encoder-decoders too."""
    has_init: bool = False
    """Whether it has positions with an initialisation: whether prefix_len and init mean something."""
    shifts_text: bool = True
    """Whether its positions stand before the text's in a decoder-only model, which then has as many fewer for it."""
    inits: tuple[str, ...] = TOKEN_INITS
    """Where it has one, which values of init it can have. Methods whose parameters are keys and values in front of
    attention modules, or an MLP that makes them, have ALL_INITS: their `fit_to` takes any keys and values."""
    stores_prefix: bool = False
    """Whether what it stores are vectors of attention heads, one or two a layer, head and position."""
    trains: bool = True
    """Whether it has parameters to train."""
    trains_backbone: bool = False
    """Whether what it trains are weights of the backbone itself, which then cannot be quantised."""
    package: str = ""
    """Name of the optional package that it needs, which is also the extra of this program that installs it."""

    @property
    def module(self) -> str:
        """Dotted name of the module whose `build` and `restore` make the method; imported when they are needed."""
        return f"prefixrun.methods.{self.name}"

    @property
    def trained_file(self) -> str:
        """Name of the file of a run that holds what the method has trained."""
        return "prefix.safetensors" if self.stores_prefix else "weights.safetensors"


_START = ("init_words", "method.prefix_dropout")
"""Settings of all methods with an initialisation."""
_OF_KEYS_AND_VALUES = MethodSpec(
    name="",
    size_key="prefix_len",
    settings=("method.sites", "method.layers", "method.nested", *_START),
    has_init=True,
    inits=ALL_INITS,
    stores_prefix=True,
)
"""What all prefixes of attention modules have in common."""

METHOD_SPECS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        # Section 4.3: the MLP that makes the keys and values is trained, and only what it makes is stored.
        replace(_OF_KEYS_AND_VALUES, name="prefix", label="prefix-tuning", colour="#0072B2"),
        # Section 4.3: the keys and values themselves are trained, less stably with a random initialisation.
        replace(
            _OF_KEYS_AND_VALUES, name="prefix_flat", label="prefix-tuning without MLP", colour="#56B4E9", marker="h"
        ),
        # Keys and values with a softmax of their own, times a gate per head and layer that starts at zero
        # (LLaMA-Adapter, arXiv 2303.16199).
        replace(
            _OF_KEYS_AND_VALUES,
            name="prefix_gated",
            label="gated prefix",
            colour="#44AA99",
            marker="p",
            shifts_text=False,
            # Keys and values of zero behind a gate of zero have no gradient.
            inits=tuple(init for init in ALL_INITS if init != "zero"),
        ),
        # A prefix outside the softmax: a trained function of the query (Prefix-Tuning+, arXiv 2506.13674).
        replace(
            _OF_KEYS_AND_VALUES,
            name="prefix_plus",
            label="prefix outside the softmax",
            colour="#882255",
            marker="d",
            settings=("method.query", *_OF_KEYS_AND_VALUES.settings),
            shifts_text=False,
            # Features and values of zero have no gradient.
            inits=tuple(init for init in TOKEN_INITS if init != "zero"),
        ),
        # Trained prefixes of other runs as one (docs/OPEN_QUESTIONS.md); nothing is trained.
        MethodSpec(
            name="prefix_combined",
            label="combined prefixes",
            colour="#332288",
            marker=">",
            settings=(
                *("method.runs", "method.combine", "method.weights", "method.sources", "method.digest"),
                *("method.sites", "method.layers"),
            ),
            stores_prefix=True,
            trains=False,
        ),
        # Section 7.2: only the input embeddings of virtual tokens are trained, made by an MLP as in the paper's code.
        MethodSpec(
            name="embedding",
            label="embedding-only",
            colour="#CC79A7",
            marker="v",
            size_key="prefix_len",
            settings=("method.mlp", *_START),
            decoder_only="virtual tokens stand in one sequence with input and output",
            has_init=True,
        ),
        # Section 7.3: keys and values between input and output are trained.
        MethodSpec(
            name="infix",
            label="infix-tuning",
            colour="#009E73",
            marker="P",
            size_key="prefix_len",
            settings=("method.mlp", *_START),
            decoder_only="it stands between input and output in one sequence",
            has_init=True,
        ),
        # All parameters of the model: FINE-TUNE (arXiv v1) or FT-FULL (ACL) in the paper's tables.
        MethodSpec(
            name="finetune",
            label="fine-tuning",
            short_label="fine-tuning",
            colour="#D55E00",
            marker="s",
            trains_backbone=True,
        ),
        # The top layers and the final layer norm: FT-TOP2 in the paper's tables.
        MethodSpec(
            name="finetune_top",
            label="fine-tuning top layers",
            short_label="top 2 layers",
            colour="#B8860B",
            marker="<",
            size_key="method.layers",
            compared_by_share=True,
            settings=("method.layers", "method.train_embedding"),
            trains_backbone=True,
        ),
        # Bottleneck layers behind each block: ADAPTER in the paper's tables. The paper does not state their widths; on
        # GPT-2 Medium 224 and 6 give the counts that Hu et al. (LoRA) print for 3 % and 0.1 %.
        MethodSpec(
            name="adapter",
            label="adapter",
            colour="#E69F00",
            marker="D",
            size_key="method.bottleneck",
            compared_by_share=True,
            settings=("method.bottleneck", "method.adapter_form"),
        ),
        # Low-rank updates of queries and values, through PEFT. Not in the paper.
        MethodSpec(
            name="lora",
            label="LoRA",
            colour="#000000",
            marker="^",
            size_key="method.rank",
            compared_by_share=True,
            settings=("method.rank", "method.lora_alpha", "method.lora_dropout", "method.lora_modules"),
            package="peft",
        ),
        # Nothing is trained: the task's words, or method.instruction, stand in front of the input.
        MethodSpec(
            name="prompt",
            label="prompting",
            colour="#7F7F7F",
            marker="X",
            settings=("method.instruction", "method.shots"),
            trains=False,
        ),
    )
}
"""Name → method, in the order of tables and figures."""

_UNKNOWN = MethodSpec(name="")


def spec_of(name: str | None) -> MethodSpec:
    """The entry of a method; of one that this version does not know, as a record may hold, one without properties."""
    return METHOD_SPECS.get(name or "", _UNKNOWN)

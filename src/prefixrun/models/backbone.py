"""A frozen backbone: a language model of transformers with its tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prefixrun.models import quantised
from prefixrun.models.attention import attention_sites
from prefixrun.models.families import Shape, shape_of
from prefixrun.models.tokenizer import Tokenizer
from prefixrun.models.transformers_names import scales_decoder_outputs
from prefixrun.models.weights import ModelFiles


@dataclass(frozen=True, slots=True)
class Backbone:
    """A frozen language model with its tokenizer, the same interface for all families.

    Hidden states are (..., d), with d = `shape.width`; "scaled" ones have been multiplied by `head_scale`.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    files: ModelFiles

    @property
    def shape(self) -> Shape:
        """What a prefix must fit."""
        return shape_of(self.model.config)

    @property
    def sites(self) -> tuple[str, ...]:
        """The attention sites that can have a prefix, see attention.attention_sites."""
        return tuple(attention_sites(self.model))

    @property
    def is_seq2seq(self) -> bool:
        """Whether an encoder reads the input and a decoder writes the output."""
        return bool(self.model.config.is_encoder_decoder)

    @property
    def total(self) -> int:
        """Number of parameters, quantised ones too, a tied one counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters()) + quantised.count(self.model)

    @property
    def body(self) -> nn.Module:
        """A decoder-only model without its output layer: token ids (rows, length) to last hidden states."""
        body = self.model.base_model
        assert isinstance(body, nn.Module)
        return body

    @property
    def encoder(self) -> nn.Module:
        """The encoder of an encoder-decoder."""
        encoder = self.model.get_encoder()
        assert isinstance(encoder, nn.Module)
        return encoder

    @property
    def decoder(self) -> nn.Module:
        """The decoder of an encoder-decoder, without the output layer."""
        decoder = self.model.get_decoder()
        assert isinstance(decoder, nn.Module)
        return decoder

    def embed(self, ids: Tensor) -> Tensor:
        """Input embeddings (..., d) of token ids (...), without position embeddings."""
        embeddings: Tensor = self.model.get_input_embeddings()(ids)
        return embeddings

    @property
    def embedding_width(self) -> int:
        """Numbers of an input embedding, e: d in most models; OPT-350m projects smaller ones."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight.shape[1]

    @property
    def head(self) -> Tensor:
        """Weight of the output layer: (vocabulary, d)."""
        weight = self.model.get_output_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def head_bias(self) -> Tensor | None:
        """Bias of the output layer: (vocabulary,). Phi has one that is trained, and BART and its relatives a constant
        one, zero in most published weights."""
        trained: Tensor | None = getattr(self.model.get_output_embeddings(), "bias", None)
        constant: Tensor | None = getattr(self.model, "final_logits_bias", None)
        return trained if constant is None else constant[0]

    @property
    def head_scale(self) -> float:
        """Factor of the last hidden states before the output layer, or of what it computes, which is the same: d^-0.5
        in a T5 that shares this layer with the embeddings, a number of its own in Granite and Cohere, 1 in others."""
        config: Any = self.model.config
        if scales_decoder_outputs(config):
            of_width: float = float(self.shape.width) ** -0.5
            return of_width
        scale = float(getattr(config, "logit_scale", None) or 1.0)
        return scale / float(getattr(config, "logits_scaling", None) or 1.0)

    @property
    def head_cap(self) -> float | None:
        """A logit z becomes cap x tanh(z / cap) (Gemma 2); None in most models."""
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return None if cap is None else float(cap)

    def scaled(self, states: Tensor) -> Tensor:
        """Last hidden states (..., d) with `head_scale` in them."""
        return states if self.head_scale == 1.0 else states * self.head_scale

    def logits(self, states: Tensor) -> Tensor:
        """(..., vocabulary) of scaled last hidden states (..., d), as decoder_only and encoder_decoder return them."""
        logits: Tensor = self.model.get_output_embeddings()(states)
        if (constant := getattr(self.model, "final_logits_bias", None)) is not None:
            logits = logits + constant[0]
        return logits if self.head_cap is None else torch.tanh(logits / self.head_cap) * self.head_cap

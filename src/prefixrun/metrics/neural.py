"""The learned metrics of DART: BERTScore where its model lies on this machine, the others as declared empty cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import accumulate

import numpy as np
from huggingface_hub import try_to_load_from_cache

from prefixrun.errors import MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, References, signature
from prefixrun.metrics.preparation import Preparation

_MODEL, _LAYER = "roberta-large", 17
"""What bert-score takes for ``--lang en``."""
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class BertScore(Metric):
    """Mean over segments of the F1 of the best reference, a fraction; no idf weights, no rescaling (DART's script).

    An empty output or reference scores 0. Nothing is ever downloaded: the model has to be in the Hugging Face cache.
    """

    preparation: Preparation

    @property
    def names(self) -> tuple[str, ...]:
        return ("BERTScore",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("f1", "segments")

    def prepare(self, references: References) -> list[list[str]]:
        if find_spec("bert_score") is None:
            raise MissingPartError("BERTScore needs its package: pip install 'prefixrun[neural]'")
        if not any(isinstance(try_to_load_from_cache(_MODEL, file), str) for file in _WEIGHTS):
            raise MissingPartError(f"BERTScore needs {_MODEL} in the Hugging Face cache: hf download {_MODEL}")
        prepare = self.preparation.reference
        return [[prepare(text) for text in texts] for texts in references]

    def count(self, output: str, segment: list[str]) -> tuple[float, ...]:
        return tuple(self.count_all([output], [segment])[0])

    def count_all(self, outputs: Sequence[str], segments: Sequence[list[str]]) -> FloatArray:
        """All outputs go through the model together, which is faster than one after the other."""
        from bert_score import BERTScorer  # type: ignore[import-not-found, import-untyped, unused-ignore]

        prepared = [self.preparation.output(text) for text in outputs]
        pairs = [(output, text) for output, texts in zip(prepared, segments, strict=True) for text in texts]
        # bert-score 0.3 cannot encode an empty text under transformers 5, and would score it 0
        full = [i for i, pair in enumerate(pairs) if all(pair)]
        f1 = np.zeros(len(pairs))
        if full:
            scorer = BERTScorer(model_type=_MODEL, num_layers=_LAYER, idf=False, lang="en")
            f1[full] = np.asarray(scorer.score([pairs[i][0] for i in full], [pairs[i][1] for i in full])[2])
        rows = np.ones((len(outputs), 2))
        ends = accumulate(map(len, segments))
        for row, texts, end in zip(rows, segments, ends, strict=True):
            row[0] = f1[end - len(texts) : end].max()
        return rows

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {"BERTScore": float(totals[0] / totals[1])}

    def signature(self, name: str, references: References) -> str:
        scorer = f"scorer:bert-score-{version('bert-score')}" if find_spec("bert_score") else "scorer:bert-score"
        return signature(references, f"tok:{self.preparation.name}", f"model:{_MODEL}-L{_LAYER}", "idf:no", scorer)


@dataclass(frozen=True, slots=True)
class Declared(Metric):
    """A score that the paper prints and that cannot be computed here: an empty cell with its reason."""

    name: str
    reason: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    def prepare(self, references: References) -> list[None]:
        raise MissingPartError(self.reason)

    def count(self, output: str, segment: None) -> tuple[()]:
        raise MissingPartError(self.reason)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        raise MissingPartError(self.reason)

    def signature(self, name: str, references: References) -> str:
        return signature(references, "scorer:none")


MOVER_SCORE = Declared(
    "MoverScore",
    "MoverScore is not computed: it needs moverscore v2 and DistilBERT weights, which this package does not run",
)
BLEURT = Declared(
    "BLEURT",
    "BLEURT is not computed: the paper's script took BLEURT's 2-layer test checkpoint, whose numbers cannot be "
    "compared with those of the checkpoints in use",
)

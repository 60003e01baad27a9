"""A finished run in the hands of a Python program: its scores, its outputs for new inputs, and what it trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefixrun.config.schema import Config, DecodeConfig
from prefixrun.config.validate import shown
from prefixrun.data.text_io import checked_texts
from prefixrun.errors import ConfigError
from prefixrun.results.lookup import OpenedRun, config_of, find, open_run

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from prefixrun.methods.attach import Attachment
    from prefixrun.results.record import Record


class LoadedRun:
    """A finished run. The model is loaded when it is needed first; scores are there without it."""

    def __init__(self, record: Record, *, model_path: str | None = None) -> None:
        self._record = record
        self._model_path = model_path

    def __repr__(self) -> str:
        return f"<prefixrun run {self.run_id}: {self._record.directory.name}>"

    @property
    def run_id(self) -> str:
        """12 hexadecimal digits."""
        return self._record.run_id

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self._record.directory

    @property
    def result(self) -> Mapping[str, Any]:
        """The content of result.json."""
        return self._record.result

    @property
    def scores(self) -> dict[str, float | None]:
        """Score by metric, on the paper's scale; None where there is no value (see `result` for the reason)."""
        return {name: score["value"] for name, score in self.result["scores"].items()}

    @cached_property
    def config(self) -> Config:
        """Its configuration. Raises ConfigError when this version cannot read it."""
        return config_of(self._record, model_path=self._model_path)

    @cached_property
    def _opened(self) -> OpenedRun:
        return open_run(self._record, model_path=self._model_path)

    @property
    def model(self) -> PreTrainedModel:
        """The frozen model, in eval mode, without what the run trained. Errors as results.lookup.open_run."""
        return self._opened.backbone.model

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer of transformers."""
        return self._opened.backbone.tokenizer.base  # type: ignore[return-value]

    def generate(self, texts: Sequence[str], **decode: Any) -> list[str]:
        """The outputs for inputs in the form that the task has (`source` in generations.jsonl), the first of each.

        decode: keys of schema.DecodeConfig that replace the run's own, such as beams=1. Raises ConfigError for wrong
        ones, and the errors of results.lookup.open_run.
        """
        return [outputs[0] for outputs in self.generate_all(texts, **decode)]

    def generate_all(self, texts: Sequence[str], **decode: Any) -> list[list[str]]:
        """All outputs of each input, as many as decode.outputs says: the best hypotheses or samples."""
        from prefixrun.results.inference import Predictor, all_outputs

        texts = checked_texts("generate", texts)
        opened = self._opened
        predictor = Predictor(self.run_id, opened.backbone, opened.method, self._decoding(decode))
        return all_outputs([predictor], texts)[0]

    def attach(self, model: PreTrainedModel | None = None) -> Attachment:
        """Put what was trained on `model`, so that plain model(...) and model.generate(...) see it.

        model: any copy of the run's model, which may have nothing attached; by default one that shares the weights of
        the run's own, and leaves that as it is. It works at once, to the end of the `with` block or until `detach()`.
        Raises ConfigError for another model and for methods that plain passes cannot have.
        """
        from prefixrun.methods.attach import Attachment

        opened = self._opened
        return Attachment(opened.method, opened.config.method.name, opened.backbone, model)

    def inputs(self, texts: Sequence[str]) -> dict[str, Any]:
        """`input_ids` and `attention_mask`, (texts, longest) each, of texts in the run's layout, for model.generate().

        Padded on the left for a decoder-only model and on the right for an encoder.
        """
        import torch

        backbone = self._opened.backbone
        rows = [backbone.tokenizer.source(text) for text in checked_texts("inputs", texts)]
        longest = max(map(len, rows), default=0)
        on_left = not backbone.is_seq2seq
        ids = [[0] * (longest - len(row)) + row if on_left else row + [0] * (longest - len(row)) for row in rows]
        seen = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
        mask = seen if on_left else [row[::-1] for row in seen]
        device = backbone.head.device
        return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}

    def generation_settings(self, **decode: Any) -> dict[str, Any]:
        """The run's decoding as arguments of model.generate(); `decode` as in `generate`.

        Raises ConfigError for what the library does otherwise, such as length_norm=total.
        """
        from prefixrun.decoding.library_arguments import difference, library_arguments

        config = self._decoding(decode)
        backbone = self._opened.backbone
        if otherwise := difference(config, is_seq2seq=backbone.is_seq2seq):
            raise ConfigError(
                f"generation_settings: model.generate() {otherwise}; use generate() of the run, or give here "
                'length_norm="generated", no_repeat_ngram=0'
            )
        return library_arguments(config, backbone.tokenizer)

    def texts(self, outputs: Any, inputs: Mapping[str, Any] | None = None) -> list[str]:
        """The texts of what model.generate() returned, as the run writes them.

        inputs: what `inputs` gave, whose tokens a decoder-only model repeats in front of its output.
        """
        backbone = self._opened.backbone
        if backbone.is_seq2seq:
            start = 1
        elif inputs is None:
            raise ConfigError("texts: give inputs=, which a decoder-only model repeats in front of its output")
        else:
            start = inputs["input_ids"].shape[1]
        return [backbone.tokenizer.output(row[start:].tolist()) for row in outputs]

    def _decoding(self, overrides: Mapping[str, Any]) -> DecodeConfig:
        from prefixrun.results.inference import decoding

        if not overrides:
            return self.config.decode
        return decoding(self.config.decode, None, {f"decode.{key}": shown(value) for key, value in overrides.items()})


def load(name: str | Path, *, results_dir: str | Path = "results", model_path: str | None = None) -> LoadedRun:
    """A finished run by its id, as much of it as is unique, or its directory.

    model_path: where the model is now, for a run that was made with model=path. Raises DataError when there is no such
    run, DamagedStateError when its result cannot be read.
    """
    return LoadedRun(find(Path(results_dir).expanduser(), str(name)), model_path=model_path)

"""The peer: PEFT's prefix tuning, trained under the HF Trainer and decoded by generate(), with plain settings."""

from __future__ import annotations

import tempfile
import time
import warnings
from typing import Any

import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from benchmarks.sides import BEAMS, LEARNING_RATE, SEED, DecodeRound, Prompts, Setup, TrainRound

IGNORED = -100
"""Label of positions without loss."""


class Peer:
    """A causal model with a prefix of PEFT's, the weights read by transformers from the directory of the setup."""

    def __init__(self, setup: Setup) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(setup.threads)
        self.setup = setup
        dtype = torch.float32 if setup.plan.precision == "fp32" else torch.bfloat16
        model = AutoModelForCausalLM.from_pretrained(setup.directory, local_files_only=True, dtype=dtype)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(setup.directory, local_files_only=True)
        self.tokenizer.pad_token_id = setup.end
        prefix = PrefixTuningConfig(
            task_type=TaskType.CAUSAL_LM, num_virtual_tokens=setup.plan.prefix_len, prefix_projection=False
        )
        with warnings.catch_warnings():
            # PEFT asks for an attribute of transformers under a name that has since been replaced.
            warnings.filterwarnings("ignore", ".is_gradient_checkpointing.", FutureWarning)
            self.model: Any = get_peft_model(model, prefix)

    def train(self, pairs: int) -> TrainRound:
        """One epoch over the first `pairs` pairs, timed from its first batch to the end of its last step."""
        self._set_prefix()
        clock = _Clock()
        with tempfile.TemporaryDirectory() as directory:
            trainer = Trainer(
                model=self.model,
                args=TrainingArguments(
                    output_dir=directory,
                    per_device_train_batch_size=self.setup.plan.train_batch,
                    num_train_epochs=1,
                    learning_rate=LEARNING_RATE,
                    seed=SEED,
                    eval_strategy="no",
                    save_strategy="no",
                    logging_strategy="no",
                    report_to="none",
                    disable_tqdm=True,
                    use_cpu=True,
                    dataloader_pin_memory=False,
                    label_names=["labels"],
                ),
                train_dataset=[self._example(index) for index in range(pairs)],
                data_collator=DataCollatorForSeq2Seq(self.tokenizer, label_pad_token_id=IGNORED),
                callbacks=[clock],
            )
            trainer.remove_callback(PrinterCallback)
            result = trainer.train()
        return TrainRound(clock.ended - clock.started, result.global_step, result.training_loss)

    def decode(self, prompts: Prompts, batch_size: int) -> DecodeRound:
        self._set_prefix()
        self.model.eval()
        outputs: list[tuple[int, ...]] = []
        started = time.perf_counter()
        for start in range(0, len(prompts), batch_size):
            rows = [list(prompt) for prompt in prompts[start : start + batch_size]]
            padded = self.tokenizer.pad({"input_ids": rows}, padding_side="left", return_tensors="pt")
            batch = self.model.generate(
                **padded,
                num_beams=BEAMS,
                do_sample=False,
                max_new_tokens=self.setup.plan.max_new_tokens,
                eos_token_id=self.setup.end,
                pad_token_id=self.setup.end,
            )
            outputs += [self._output(ids) for ids in batch[:, padded["input_ids"].shape[1] :].tolist()]
        return DecodeRound(time.perf_counter() - started, tuple(outputs))

    def _example(self, index: int) -> dict[str, list[int]]:
        pair = self.setup.pairs[index]
        ids = [*pair.source, *pair.target]
        return {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "labels": [IGNORED] * len(pair.source) + list(pair.target),
        }

    def _output(self, ids: list[int]) -> tuple[int, ...]:
        return tuple(ids[: ids.index(self.setup.end)] if self.setup.end in ids else ids)

    def _set_prefix(self) -> None:
        """PEFT keeps a position's keys and values of all layers in one row of an embedding."""
        weight: Tensor = self.model.prompt_encoder[self.model.active_adapter].embedding.weight
        rows = torch.from_numpy(self.setup.prefix).permute(3, 0, 1, 2, 4).reshape(weight.shape)
        with torch.no_grad():
            weight.copy_(rows)


class _Clock(TrainerCallback):
    """The Trainer's set-up before the first batch and its clearing up after the last step are not counted."""

    started = 0.0
    ended = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ended = time.perf_counter()

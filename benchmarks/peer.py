"""The peers: PEFT's prefix tuning and LoRA under the HF Trainer, and generate(), with plain settings.

Of an encoder-decoder there is LoRA alone: PEFT's prefix stands in one of its three kinds of attention.

With transformers 5.24 and later PEFT gives its prefix to generate() under a name that nothing reads. That outputs
depend on the prefix is therefore checked before anything is measured (`Peer.reads_prefix`).
"""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import torch
from peft import LoraConfig, PrefixTuningConfig, TaskType, get_peft_model
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    PrinterCallback,
    StaticCache,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from benchmarks.plan import Plan
from benchmarks.sides import (
    BEAMS,
    LEARNING_RATE,
    LORA_LEARNING_RATE,
    SEED,
    DecodeRound,
    Prompts,
    Setup,
    TrainRound,
    seconds,
    synchronize,
)

IGNORED = -100
"""Label of positions without loss."""


class Peer:
    """A model with a prefix or LoRA of PEFT's, the weights read by transformers from the directory of the setup.

    method: "prefix" or "lora". is_static: whether generate() has its keys and values in transformers' static cache.
    """

    def __init__(self, setup: Setup, method: str = "prefix", is_static: bool = False) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(setup.threads)
        self.setup = setup
        dtype = torch.float32 if setup.plan.precision == "fp32" else torch.bfloat16
        is_causal = setup.is_decoder_only
        family = AutoModelForCausalLM if is_causal else AutoModelForSeq2SeqLM
        model = family.from_pretrained(setup.directory, local_files_only=True, dtype=dtype)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(setup.directory, local_files_only=True)
        self.tokenizer.pad_token_id = setup.end
        self.is_lora = method == "lora"
        config: Any = PrefixTuningConfig(
            task_type=TaskType.CAUSAL_LM, num_virtual_tokens=setup.plan.prefix_len, prefix_projection=False
        )
        if self.is_lora:
            task_type = TaskType.CAUSAL_LM if is_causal else TaskType.SEQ_2_SEQ_LM
            config = LoraConfig(task_type=task_type, r=setup.plan.rank, lora_alpha=2 * setup.plan.rank)
        with warnings.catch_warnings():
            # PEFT asks for an attribute of transformers under a name that has since been replaced.
            warnings.filterwarnings("ignore", ".is_gradient_checkpointing.", FutureWarning)
            self.model: Any = get_peft_model(model, config).to(setup.plan.device)
        self.is_static = is_static

    def train(self, pairs: int) -> TrainRound:
        """One epoch over the first `pairs` pairs, timed from its first batch to the end of its last step."""
        self._set_prefix()
        clock = _Clock(self.setup.plan)
        with tempfile.TemporaryDirectory() as directory:
            trainer = Trainer(
                model=self.model,
                args=TrainingArguments(
                    output_dir=directory,
                    per_device_train_batch_size=self.setup.plan.train_batch,
                    num_train_epochs=1,
                    learning_rate=LORA_LEARNING_RATE if self.is_lora else LEARNING_RATE,
                    seed=SEED,
                    eval_strategy="no",
                    save_strategy="no",
                    logging_strategy="no",
                    report_to="none",
                    disable_tqdm=True,
                    use_cpu=self.setup.plan.device == "cpu",
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
        started = seconds(self.setup.plan)
        for start in range(0, len(prompts), batch_size):
            rows = [list(prompt) for prompt in prompts[start : start + batch_size]]
            padded = self._padded(rows)
            model, arguments = self._with_static_cache(padded) if self.is_static else (self.model, padded)
            batch = model.generate(
                **arguments,
                num_beams=BEAMS,
                do_sample=False,
                max_new_tokens=self.setup.plan.max_new_tokens,
                eos_token_id=self.setup.end,
                pad_token_id=self.setup.end,
            )
            outputs += [self._output(ids) for ids in batch[:, arguments["input_ids"].shape[1] :].tolist()]
        synchronize(self.setup.plan.device)
        return DecodeRound(seconds(self.setup.plan) - started, tuple(outputs))

    def reads_prefix(self) -> bool:
        """Whether another prefix changes what the model computes, in a forward pass and in generate()."""
        padded = self._padded([list(self.setup.prompts[0])])
        computed = []
        for scale in (1.0, 0.0):
            self._set_prefix(scale)
            with torch.no_grad():
                forward = self.model(**padded).logits[:, -1]
                first = self.model.generate(
                    **padded,
                    max_new_tokens=1,
                    pad_token_id=self.setup.end,
                    output_logits=True,
                    return_dict_in_generate=True,
                ).logits[0]
            computed.append((forward, first))
        return not any(torch.equal(*both) for both in zip(*computed, strict=True))

    def _padded(self, rows: list[list[int]]) -> Any:
        padded = self.tokenizer.pad({"input_ids": rows}, padding_side="left", return_tensors="pt")
        return padded.to(self.setup.plan.device)

    def _with_static_cache(self, padded: Any) -> tuple[Any, dict[str, Any]]:
        """The model without PEFT, whose generate() fails with a static cache, and its arguments: the prefix stands in
        the cache, one row a beam, and as many tokens in front of the inputs, which generate() takes to be read."""
        plan, base = self.setup.plan, self.model.get_base_model()
        rows, device = len(padded["input_ids"]), padded["input_ids"].device
        cache = StaticCache(
            config=base.config,
            max_cache_len=plan.prefix_len + padded["input_ids"].shape[1] + plan.max_new_tokens,
        )
        prefix = self.setup.tensors()["decoder"].to(device, base.dtype)
        for index, layer in enumerate(prefix):
            keys, values = layer.unsqueeze(1).expand(-1, rows * BEAMS, -1, -1, -1)
            cache.update(keys, values, index)
        before = torch.full((rows, plan.prefix_len), self.setup.end, device=device)
        arguments = {
            "input_ids": torch.cat([before, padded["input_ids"]], dim=1),
            "attention_mask": torch.cat([torch.ones_like(before), padded["attention_mask"]], dim=1),
            "past_key_values": cache,
        }
        return base, arguments

    def _example(self, index: int) -> dict[str, list[int]]:
        pair = self.setup.pairs[index]
        if not self.setup.is_decoder_only:
            return {
                "input_ids": list(pair.source),
                "attention_mask": [1] * len(pair.source),
                "labels": list(pair.target),
            }
        ids = [*pair.source, *pair.target]
        return {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "labels": [IGNORED] * len(pair.source) + list(pair.target),
        }

    def _output(self, ids: list[int]) -> tuple[int, ...]:
        return tuple(ids[: ids.index(self.setup.end)] if self.setup.end in ids else ids)

    def _set_prefix(self, scale: float = 1.0) -> None:
        """That of the setup, times `scale`. PEFT keeps a position's keys and values of all layers in one row of an
        embedding. LoRA goes on from where it is."""
        if self.is_lora:
            return
        weight: Tensor = self.model.prompt_encoder[self.model.active_adapter].embedding.weight
        rows = self.setup.tensors()["decoder"].permute(3, 0, 1, 2, 4).reshape(weight.shape)
        with torch.no_grad():
            weight.copy_(rows * scale)


class _Clock(TrainerCallback):
    """The Trainer's set-up before the first batch and its clearing up after the last step are not counted."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.started, self.ended = plan, 0.0, 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.started = seconds(self.plan)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        synchronize(self.plan.device)
        self.ended = seconds(self.plan)

"""Frozen backbones: weights, tokenizer, attention with a prefix, and passes over batches, prompts and new tokens."""

import logging

# Where torchao is installed, transformers imports it, and it reports each kernel that this machine cannot load.
for _name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(_name).setLevel(logging.ERROR)

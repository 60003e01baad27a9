"""Frozen backbones: weights, tokenizer, attention with a prefix, and passes over batches, prompts and new tokens."""

"""Frozen backbones: weights, tokenizer, attention with a prefix in front, and how text is read and written."""

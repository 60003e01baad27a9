"""From prompts to outputs: batched beam search."""

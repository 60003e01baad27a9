"""From prompts to outputs: beam search and sampling, in batches."""

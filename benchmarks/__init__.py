"""Speed and memory of prefixrun beside PEFT's prefix tuning under the HF Trainer and generate()."""

"""prefixrun export run=ID out=PATH [format=tensors|peft] [results_dir=results] [model_path=DIR]

What a finished run has trained, for use elsewhere.

  run          the run's id (or as much of it as is unique), or its directory
  out          the file (tensors) or directory (peft) to write
  format       tensors: one safetensors file with keys and values, (layers, 2, kv_heads, prefix_len, head_dim) a site;
               peft: a directory for peft.PeftModel.from_pretrained (prefixes of decoder-only models; method=lora)
  model_path   where the model is now, for a run that was made with model=path
"""

from pathlib import Path

from prefixrun.config.method_specs import spec_of
from prefixrun.console import print_text
from prefixrun.errors import ConfigError


def run(arguments: dict[str, str]) -> int:
    """Write the prefix of one run, or its LoRA. Raises ConfigError for a method that has neither."""
    kind = arguments.get("format", "tensors")
    if kind not in ("tensors", "peft"):
        raise ConfigError(f"format={kind}: there are tensors, peft")
    from prefixrun.methods.lora import LoRA
    from prefixrun.methods.peft_format import write_peft, write_peft_lora, write_tensors
    from prefixrun.results.lookup import find, open_run

    record = find(Path(arguments.get("results_dir", "results")).expanduser(), arguments["run"])
    opened = open_run(record, model_path=arguments.get("model_path"))
    out = Path(arguments["out"]).expanduser()
    base_model = opened.config.model.hub or opened.config.model.name
    if isinstance(opened.method, LoRA) and kind == "peft":
        write_peft_lora(out, opened.method, opened.backbone, base_model=base_model)
        what = f"LoRA of rank {opened.config.method.rank}"
    elif flat := opened.method.key_values(opened.backbone):
        if kind == "peft":
            write_peft(out, flat, base_model=base_model)
        else:
            write_tensors(out, flat, model=record.model, sha256=opened.backbone.files.fingerprint)
        what = f"prefix of length {next(iter(flat.values())).shape[3]}"
    else:
        trained = "format=peft takes its updates; " if isinstance(opened.method, LoRA) else ""
        raise ConfigError(
            f"run {record.run_id}: method={record.method} has no prefix; {trained}its "
            f"{spec_of(record.method).trained_file} holds what it trained, by the names of the model"
        )
    print_text(f"{out}: {what} for {record.model}, from run {record.run_id}")
    return 0

"""prefixrun export run=ID out=PATH [format=tensors|peft] [results_dir=results] [model_path=DIR]

What a finished run has trained, for use elsewhere.

  run          the run's id (or as much of it as is unique), or its directory
  out          the file (tensors) or directory (peft) to write
  format       tensors: one safetensors file with keys and values, (layers, 2, kv_heads, prefix_len, head_dim) a site;
               peft: a directory for peft.PeftModel.from_pretrained (decoder-only models)
  model_path   where the model is now, for a run that was made with model=path
"""

from pathlib import Path

from prefixrun.errors import ConfigError
from prefixrun.present import terminal


def run(arguments: dict[str, str]) -> int:
    """Write the prefix of one run. Raises ConfigError for a method that has none."""
    kind = arguments.get("format", "tensors")
    if kind not in ("tensors", "peft"):
        raise ConfigError(f"format={kind}: there are tensors, peft")
    from prefixrun.exchange import write_peft, write_tensors
    from prefixrun.reopen import find, reopen

    record = find(Path(arguments.get("results_dir", "results")).expanduser(), arguments["run"])
    opened = reopen(record, model_path=arguments.get("model_path"))
    flat = opened.method.flat(opened.backbone)
    if not flat:
        raise ConfigError(f"run {record.run_id}: method={record.method} has no prefix; what it trained is its file")
    out = Path(arguments["out"]).expanduser()
    if kind == "peft":
        write_peft(out, flat, base_model=opened.config.model.hub or opened.config.model.name)
    else:
        write_tensors(out, flat, model=record.model, sha256=opened.backbone.files.fingerprint)
    length = next(iter(flat.values())).shape[3]
    terminal().print(f"{out}: prefix of length {length} for {record.model}, from run {record.run_id}", markup=False)
    return 0

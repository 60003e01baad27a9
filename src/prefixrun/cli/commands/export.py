"""prefixrun export run=ID out=PATH [format=tensors|peft|cache|hub] [push=NAME] [results_dir=results] [model_path=DIR]

What a finished run has trained, for use elsewhere; the lines of Python that use it are printed.

  run          the run's id (or as much of it as is unique), or its directory
  out          the file (tensors, cache) or directory (peft, hub) to write
  format       tensors: one safetensors file with keys and values, (layers, 2, kv_heads, prefix_len, head_dim) a site;
               peft: a directory for peft.PeftModel.from_pretrained (prefixes of decoder-only models; method=lora); a
               prefix is tried here with generate() before it is written;
               cache: one safetensors file for transformers' own cache (decoder-only), no PEFT needed;
               hub: a directory for the Hugging Face hub: a model card, the prefix in the forms it has, the result
  push         with format=hub: upload it to this repository (USER/NAME), private if it is new
  prefix_len   for a run with method.nested=true: the first so many positions of the prefix, or auto: the shortest whose
               development loss is at most 0.01 nats above the best
  model_path   where the model is now, for a run that was made with model=path
"""

from pathlib import Path

from prefixrun.cli.arguments import results_dir
from prefixrun.console import print_text
from prefixrun.errors import ConfigError

FORMATS = ("tensors", "peft", "cache", "hub")


def run(arguments: dict[str, str]) -> int:
    """Write what one run has trained. Raises ConfigError for a form that it does not have."""
    kind = arguments.get("format", "tensors")
    if kind not in FORMATS:
        raise ConfigError(f"format={kind}: there are {', '.join(FORMATS)}")
    if "push" in arguments and kind != "hub":
        raise ConfigError(f"push={arguments['push']}: a model card and its files are uploaded; give format=hub")
    from prefixrun.results.export import export, push
    from prefixrun.results.lookup import find, open_run
    from prefixrun.results.nested_runs import shortened_run

    record = find(results_dir(arguments), arguments["run"])
    out = Path(arguments["out"]).expanduser()
    directories = (record.directory, record.run_directory or record.directory)
    if any(out.resolve().is_relative_to(directory.resolve()) for directory in directories):
        raise ConfigError(
            f"out={out}: is in the directory of the run itself, whose files it could replace; name another"
        )
    opened = open_run(record, model_path=arguments.get("model_path"))
    if "prefix_len" in arguments:
        opened = shortened_run(opened, arguments["prefix_len"])
    exported = export(opened, kind, out)
    print_text(f"{out}: {exported.what}\n\n{exported.usage}")
    if "push" in arguments:
        print_text(f"\nuploaded to {push(out, exported.names, arguments['push'])}")
    return 0

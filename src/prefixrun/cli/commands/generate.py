"""prefixrun generate run=ID[,ID...] text=TEXT | file=FILE [out=FILE.jsonl] [prefix_len=L] [results_dir=results]

Outputs of finished runs for inputs of your own, in the linearised form that the task has (see generations.jsonl).
Prefixes of one model share every batch, each row with its own: one backbone serves them all.

  run          one or several runs, by id (or as much of it as is unique) or directory
  prefix       instead of run: a prefix that `prefixrun export` or PEFT wrote, with the model that it was made for:
               model=NAME, model=hub model.hub=OWNER/NAME, or model=path model_path=DIR (model.layers=N of it)
  text, file   one input, or a file with one a line; - reads standard input
  combine      concatenate, average, sum or keys_values: use the prefixes of the runs as one, as method=prefix_combined
               does, which scores it (an experiment; the paper leaves it open)
  decode       another decoding than the runs' own, by its name in conf/decode (decode=sample draws)
  decode.KEY   a setting of it, as of a run: decode.beams=10 decode.outputs=3, decode.temperature=0.7 decode.seed=1
  prefix_len   for runs with method.nested=true: the first so many positions of the prefix, or auto: the shortest whose
               development loss is at most 0.01 nats above the best
  model_path   where the model is now, for a run or prefix that was made with model=path
  out          JSON lines with run, source and output; without it they are printed
"""

from collections.abc import Sequence
from pathlib import Path

from prefixrun.cli.arguments import check_out, path_of, results_dir, run_names
from prefixrun.config.grids import format_override
from prefixrun.config.method_specs import COMBINATIONS
from prefixrun.console import count, print_text
from prefixrun.errors import ConfigError, DataError, has_lone_surrogate
from prefixrun.files import canonical_json, write_text

MODEL_KEYS = ("model", "model.hub", "model.layers")
"""Keys that name the model of a prefix in a file."""


def run(arguments: dict[str, str]) -> int:
    """Generate and print or write. Raises ConfigError, DataError for arguments that do not go together."""
    _check(arguments)
    check_out(arguments, "file", "prefix")
    sources = _sources(arguments)
    from prefixrun.results.inference import Predictor, all_outputs, from_prefix, from_runs

    settings = {key: value for key, value in arguments.items() if key.startswith("decode.")}
    predictors: Sequence[Predictor]
    if "prefix" in arguments:
        predictors = from_prefix(
            Path(arguments["prefix"]).expanduser(), _model(arguments), arguments.get("decode"), settings
        )
    else:
        names = run_names(arguments)
        predictors = from_runs(
            results_dir(arguments),
            names,
            combine=arguments.get("combine"),
            decode=arguments.get("decode"),
            settings=settings,
            model_path=arguments.get("model_path"),
            prefix_len=arguments.get("prefix_len"),
        )
    records = [
        {"run": run.name, "source": source, "output": output}
        for run, of_run in zip(predictors, all_outputs(predictors, sources), strict=True)
        for source, several in zip(sources, of_run, strict=True)
        for output in several
    ]
    if out := path_of(arguments, "out"):
        write_text(out, "".join(f"{canonical_json(record)}\n" for record in records))
        print_text(f"{out}: {count(len(records), 'output')}")
    else:
        for record in records:
            print_text(f"{record['run']}  {record['output']}")
    return 0


def _check(arguments: dict[str, str]) -> None:
    if ("run" in arguments) == ("prefix" in arguments):
        raise ConfigError("give run=ID, or prefix=PATH with model=NAME")
    if "prefix" in arguments and "model" not in arguments:
        raise ConfigError("model: is missing; prefix=PATH needs model=NAME, the choice in conf/model it was made for")
    if "prefix" in arguments and "prefix_len" in arguments:
        raise ConfigError("prefix_len: is for run=ID; a prefix in a file has the length that it was exported with")
    if "run" in arguments and (key := next((key for key in MODEL_KEYS if key in arguments), None)):
        raise ConfigError(f"{key}: is for prefix=PATH; a run knows its model")
    if ("text" in arguments) == ("file" in arguments):
        raise ConfigError("give text=TEXT or file=FILE")
    combine = arguments.get("combine")
    if combine is not None and combine not in COMBINATIONS:
        raise ConfigError(f"combine={combine}: there are {', '.join(COMBINATIONS)}")


def _model(arguments: dict[str, str]) -> list[str]:
    """The model of a prefix in a file, as overrides of a run."""
    values = {key: arguments[key] for key in MODEL_KEYS if key in arguments}
    if path := path_of(arguments, "model_path"):
        values["model.path"] = str(path)
    return [format_override(key, value) for key, value in values.items()]


def _sources(arguments: dict[str, str]) -> list[str]:
    if "text" in arguments:
        text = arguments["text"]
        if not text.strip():
            raise ConfigError("text: is blank; give one input")
        if has_lone_surrogate(text):
            raise ConfigError("text: has bytes that are not UTF-8; give the input in a file, file=FILE")
        return [text]
    from prefixrun.data.text_io import lines_of, read_text

    file = Path(arguments["file"]).expanduser()
    lines = lines_of(read_text(file).text)
    empty = [number for number, line in enumerate(lines, start=1) if not line.strip()]
    if empty:
        raise DataError(f"{file}:{empty[0]}: is empty; one input a line")
    return lines

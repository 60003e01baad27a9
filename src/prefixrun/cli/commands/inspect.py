"""prefixrun inspect run=ID[,ID...] [data_dir=DIR] [examples=8] [vocabulary=800] [results_dir=results]

What a trained prefix says, as an HTML page with pictures in the directory of the run (inspection.html; the numbers in
inspection.json): the words whose keys and values are nearest to those of each position and layer, the attention that
each position gets, and the development loss without one position, layer or site, or some positions of some layers.

  run          a run with a prefix, by id (or as much of it as is unique) or directory; of several runs with the same
               model, method and length also how much they agree, as of the seeds of one configuration
  data_dir     directory of the real corpora, for a run on one
  examples     how many test inputs (attention) and development pairs (losses; the map half as many) are read (8)
  vocabulary   how many tokens a prefix is compared with: those of the task and common words, or all (800)
  results_dir  directory with runs/ (results)
  model_path   where the model is now, for a run that was made with model=path

Takes about a minute on two cores for a prefix of length 10, and longer in proportion to its length.
"""

import sys
from dataclasses import asdict
from pathlib import Path

from prefixrun.console import print_labelled, print_text, terminal
from prefixrun.errors import ConfigError
from prefixrun.files import write_json, write_text

PAGE, NUMBERS = "inspection.html", "inspection.json"
MOST = 10**6
"""Examples or tokens; no corpus and no model has more."""


def run(arguments: dict[str, str]) -> int:
    """Write the pages and print what they come down to. Raises ConfigError, DataError, DamagedStateError."""
    examples = _count(arguments, "examples")
    is_all = arguments.get("vocabulary") == "all"
    vocabulary = None if is_all else _count(arguments, "vocabulary", " or all")
    data_dir = Path(arguments["data_dir"]).expanduser() if "data_dir" in arguments else None
    if data_dir is not None and not data_dir.is_dir():
        raise ConfigError(f"data_dir={data_dir}: there is no such directory")
    from prefixrun.results.inspection import inspection as reading
    from prefixrun.results.lookup import find

    results_dir = Path(arguments.get("results_dir", "results")).expanduser()
    records = [find(results_dir, name) for name in arguments["run"].split(",") if name]
    inspected = reading.inspect_runs(
        records,
        examples=examples or reading.EXAMPLES,
        vocabulary=None if is_all else vocabulary or reading.VOCABULARY,
        data_dir=data_dir,
        model_path=arguments.get("model_path"),
    )
    from prefixrun.analysis.html.inspection_page import inspection_page
    from prefixrun.results.inspection.summary import findings
    from prefixrun.runs.provenance import command, utc_now

    for record, inspection in zip(records, inspected, strict=True):
        directory = reading.place(record)
        write_json(directory / NUMBERS, {"schema_version": reading.SCHEMA_VERSION, **asdict(inspection)})
        page = inspection_page(inspection, command=command(sys.argv), made=utc_now())
        write_text(directory / PAGE, page)
        print_text(
            f"run {inspection.run_id}: {inspection.task}, {inspection.method} of length {inspection.prefix_len} for "
            f"{inspection.model}, seed {inspection.seed}"
        )
        print_labelled(terminal(), findings(inspection), indent=2)
        print_text(f"  {directory / PAGE}")
    return 0


def _count(arguments: dict[str, str], key: str, otherwise: str = "") -> int | None:
    """The value of a key that counts something; None where it is not given."""
    text = arguments.get(key)
    if text is None:
        return None
    count = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    if not 1 <= count <= MOST:
        raise ConfigError(f"{key}={text[:40]}: must be a whole number from 1 to {MOST:,}{otherwise}")
    return count

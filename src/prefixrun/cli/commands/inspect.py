"""prefixrun inspect run=ID[,ID...] [data_dir=DIR] [examples=8] [vocabulary=800] [pictures=DIR] [results_dir=results]

What a trained prefix says, as an HTML page with pictures in the directory of the run (inspection.html; the numbers in
inspection.json): the words whose keys and values are nearest to those of each position and layer, the attention that
each position gets, and the development loss without one position, layer or site, or some positions of some layers.

  run          a run with a prefix, by id (or as much of it as is unique) or directory; of several runs with the same
               model, method and length also how much they agree, as of the seeds of one configuration
  data_dir     directory of the real corpora, for a run on one
  examples     how many test inputs (attention) and development pairs (losses; the map half as many) are read (8)
  vocabulary   how many tokens a prefix is compared with: those of the task and common words, or all (800)
  pictures     directory into which the pictures are also written, one SVG each, for a paper or a page of one's own
  results_dir  directory with runs/ (results)
  model_path   where the model is now, for a run that was made with model=path

Takes about a minute on two cores for a prefix of length 10, and longer in proportion to its length.
"""

import os
import re
import sys
from dataclasses import asdict

from prefixrun.cli.arguments import directory, results_dir, run_names, whole_number
from prefixrun.console import print_labelled, print_text, terminal
from prefixrun.errors import ConfigError
from prefixrun.files import write_json, write_text

PAGE, NUMBERS = "inspection.html", "inspection.json"
MOST = 10**6
"""Examples or tokens; no corpus and no model has more."""


def run(arguments: dict[str, str]) -> int:
    """Write the pages and print what they come down to. Raises ConfigError, DataError, DamagedStateError."""
    examples, vocabulary = (arguments.get(key) for key in ("examples", "vocabulary"))
    if examples is not None:
        whole_number("examples", examples, 1, MOST)
    if vocabulary not in (None, "all"):
        whole_number("vocabulary", vocabulary, 1, MOST, " or all")
    data_dir, picture_directory = directory(arguments, "data_dir"), directory(arguments, "pictures")
    if picture_directory is not None and not os.access(picture_directory, os.W_OK | os.X_OK):
        raise ConfigError(f"pictures={picture_directory}: cannot be written; give a directory you may write in")
    from prefixrun.results.inspection import inspection as reading
    from prefixrun.results.lookup import find

    records = [find(results_dir(arguments), name) for name in run_names(arguments)]
    inspected = reading.inspect_runs(
        records,
        examples=int(examples or reading.EXAMPLES),
        vocabulary=None if vocabulary == "all" else int(vocabulary or reading.VOCABULARY),
        data_dir=data_dir,
        model_path=arguments.get("model_path"),
    )
    from prefixrun.analysis.html.inspection_page import inspection_page, pictures
    from prefixrun.results.inspection.summary import findings
    from prefixrun.runs.provenance import command, utc_now

    for record, inspection in zip(records, inspected, strict=True):
        run_directory = reading.page_directory(record)
        write_json(run_directory / NUMBERS, {"schema_version": reading.SCHEMA_VERSION, **asdict(inspection)})
        drawn = pictures(inspection)
        page = inspection_page(inspection, drawn, command=command(sys.argv), made=utc_now())
        write_text(run_directory / PAGE, page)
        if picture_directory is not None:
            for figure in drawn.all:
                name = re.sub(r"[^a-z]+", "-", figure.title.lower())
                write_text(picture_directory / f"{inspection.run_id}-{name}.svg", figure.svg)
        print_text(
            f"run {inspection.run_id}: {inspection.task}, {inspection.method} of length {inspection.prefix_len} for "
            f"{inspection.model}, seed {inspection.seed}"
        )
        print_labelled(terminal(), findings(inspection), indent=2)
        print_text(f"  {run_directory / PAGE}" + (f"; pictures in {picture_directory}" if picture_directory else ""))
    return 0

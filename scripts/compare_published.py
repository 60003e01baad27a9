"""Score published outputs of real systems and put ours beside the printed scores.

    python scripts/compare_published.py DIR docs/SCORERS.md

DIR holds e2e/, webnlg/, dart/, xsum/ in their release formats and system_outputs/ with one folder a task. The page's
text stands in this file; every number on it comes from the run that writes it or from published_scores.csv beside it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from prefixrun.files import write_text
from prefixrun.metrics import Score, score
from prefixrun.metrics.preparation import DART, WEBNLG_2017
from prefixrun.metrics.ter import Ter
from prefixrun.metrics.tercom import edits

PUBLISHED = Path(__file__).with_name("published_scores.csv")
UNSEEN = {"Artist", "Athlete", "CelestialBody", "MeanOfTransportation", "Politician"}
PER_CENT = ("BLEU", "METEOR", "ROUGE_L")
"""Scores of E2E that we give in per cent and its papers as fractions."""


@dataclass(frozen=True)
class Printed:
    """One printed score: task, system, metric (our name), the printed digits and the place."""

    task: str
    system: str
    metric: str
    value: str
    source: str


def main(root: Path, page: Path) -> None:
    """Score everything and write the page."""
    printed = [Printed(**row) for row in csv.DictReader(PUBLISHED.read_text(encoding="utf-8").splitlines())]
    parts = [INTRODUCTION]
    for task, scored in (("e2e", _e2e(root)), ("webnlg", _webnlg(root)), ("dart", _dart(root)), ("xsum", _xsum(root))):
        parts += [TEXTS[task], *_table(task, dict(scored), printed)]
    parts += [TIMES, *_ter_times(root)]
    write_text(page, "\n".join(parts) + "\n")


Scores = dict[str, tuple[float | None, str]]
"""Metric → value on the printed scale (None where it could not be computed here) and signature."""


def _e2e(root: Path) -> Iterator[tuple[str, Scores]]:
    blocks: dict[str, list[str]] = {}
    with (root / "e2e/testset_w_refs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            blocks.setdefault(row["mr"], []).append(row["ref"])
    references = list(blocks.values())
    for path in sorted((root / "system_outputs/e2e").glob("*.tsv")):
        text = path.read_bytes().decode("utf-8-sig")
        outputs = [row["output"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")]
        if path.stem.startswith("tnt"):  # its files wrap every field in quotes
            outputs = [output.strip().removeprefix("'").removesuffix("'") for output in outputs]
        yield path.stem, _fractions(score("e2e", outputs, references))
    runs = [
        _fractions(score("e2e", _lines(root / f"system_outputs/e2e_tgen2019/tgen-std.run{run}.txt"), references))
        for run in range(5)
    ]
    yield "tgen 2019, mean of 5 runs", {name: _mean([run[name] for run in runs]) for name in runs[0]}


def _webnlg(root: Path) -> Iterator[tuple[str, Scores]]:
    references, groups = _webnlg_references(root)
    for path in sorted((root / "system_outputs/webnlg").glob("*_all-cat.txt.gz")):
        yield path.name.removesuffix("_all-cat.txt.gz"), _plain(score("webnlg", _lines(path), references, groups))


def _webnlg_references(root: Path) -> tuple[list[list[str]], list[str]]:
    """The references of the test entries and the part that each belongs to."""
    entries = [next(iter(entry.values())) for entry in json.loads(_text(root / "webnlg/json/test.json.gz"))["entries"]]
    references = [[each["lex"] for each in entry["lexicalisations"]] for entry in entries]
    return references, ["unseen" if entry["category"] in UNSEEN else "seen" for entry in entries]


def _dart(root: Path) -> Iterator[tuple[str, Scores]]:
    outputs, references = _dart_outputs(root)
    yield "prefix-tuning, authors' sample", _plain(score("dart", outputs, references))


def _dart_outputs(root: Path) -> tuple[list[str], list[list[str]]]:
    """The one output file and the references, without the entries that have none."""
    items = json.loads(_text(root / "dart/dart-v1.1.1-full-test.6959.json.gz"))
    (path,) = (root / "system_outputs/dart").glob("*.6959.txt.gz")
    scored = [(line, item) for line, item in zip(_lines(path), items, strict=True) if item["annotations"]]
    references = [[annotation["text"] for annotation in item["annotations"]] for _, item in scored]
    return [line for line, _ in scored], references


def _xsum(root: Path) -> Iterator[tuple[str, Scores]]:
    folder = root / "system_outputs/xsum"
    for path in sorted(folder.glob("*.gz")):
        if ".reference." in path.name:
            continue
        own = folder / "simcls.test.xsum.reference.gz"
        gold = own if path.name.startswith("simcls") else root / "xsum/gold-test-sentences.txt.gz"
        name = path.name.removesuffix(".gz").removesuffix(".txt")
        yield name, _plain(score("xsum", _lines(path), [[reference] for reference in _lines(gold)]))


def _ter_times(root: Path) -> Iterator[str]:
    """CPU seconds of TER alone on whole test sets, in this process; others on the machine lengthen them little."""
    yield "| test set | system | outputs | CPU seconds |"
    yield "|---|---|---:|---:|"
    references, _ = _webnlg_references(root)
    for path in sorted((root / "system_outputs/webnlg").glob("*_all-cat.txt.gz")):
        name = path.name.removesuffix("_all-cat.txt.gz")
        yield _ter_time("WebNLG", name, Ter(WEBNLG_2017), _lines(path), references)
    yield _ter_time("DART", "prefix-tuning, authors' sample", Ter(DART), *_dart_outputs(root))
    yield ""
    yield f"Python {platform.python_version()}, {os.cpu_count()} cores{_processor()}."


def _ter_time(test_set: str, system: str, metric: Ter, outputs: list[str], references: list[list[str]]) -> str:
    edits.cache_clear()  # the scores above have counted these pairs already
    start = time.process_time()
    segments = metric.prepare(tuple(tuple(texts[:3]) for texts in references))
    for output, segment in zip(outputs, segments, strict=True):
        metric.count(output, segment)
    return f"| {test_set} | {system} | {len(outputs)} | {time.process_time() - start:.1f} |"


def _processor() -> str:
    """What Linux calls the processor, behind a comma; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((f", {line.partition(':')[2].strip()}" for line in lines if line.startswith("model name")), "")


def _fractions(scores: dict[str, Score]) -> Scores:
    return {
        name: (one.value if one.value is None or name not in PER_CENT else one.value / 100, one.signature)
        for name, one in scores.items()
    }


def _plain(scores: dict[str, Score]) -> Scores:
    return {name: (one.value, one.signature) for name, one in scores.items()}


def _mean(values: Sequence[tuple[float | None, str]]) -> tuple[float | None, str]:
    numbers = [value for value, _ in values if value is not None]
    return (mean(numbers) if len(numbers) == len(values) else None), values[0][1]


def _table(task: str, scored: dict[str, Scores], printed: Sequence[Printed]) -> Iterator[str]:
    """Rows of one task, and the signatures they were made with."""
    rows = [row for row in printed if row.task == task]
    yield "| system | metric | published | ours | difference |"
    yield "|---|---|---:|---:|---:|"
    signatures: dict[str, str] = {}
    for row in rows:
        value, signature = scored[row.system][row.metric]
        digits = len(row.value.partition(".")[2])
        signatures.setdefault(row.metric.partition("/")[0], signature)
        if value is None:
            yield f"| {row.system} | {row.metric} | {row.value} | – | – |"
        else:
            yield (
                f"| {row.system} | {row.metric} | {row.value} | {value:.{digits + 2}f} | "
                f"{value - float(row.value):+.{digits + 2}f} |"
            )
    yield ""
    yield f"Published: {'; '.join(dict.fromkeys(row.source for row in rows))}."
    yield ""
    yield from (f"* `{metric}`: `{signature}`" for metric, signature in signatures.items())
    yield ""


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def _lines(path: Path) -> list[str]:
    return _text(path).removesuffix("\n").split("\n")


INTRODUCTION = """# Our scores beside published ones

Outputs of published systems on whole test sets, scored by this program, beside the scores in print. A difference below
half of the last printed digit is the printing's own rounding. The outputs and corpora are not part of the repository.

```
python scripts/compare_published.py DIR docs/SCORERS.md
```

writes this page; `make test-slow` holds the same values, and on a part of the files the official programs' unrounded
values to 1e-9.
"""

TEXTS = {
    "e2e": """## E2E

Official tool: e2e-metrics (mteval-v13a for BLEU and NIST, METEOR 1.5, coco-caption for ROUGE-L and CIDEr). Its paper
gives fractions, this page too. The printed NIST is that of the Perl script, which counts reference lengths another way
than the Python one that the prefix-tuning paper used; we report both (`NIST_mteval`, `NIST`). Outputs: primary systems
of the E2E NLG Challenge (tuetschek/e2e-eval) and five runs of TGen (tuetschek/e2e-cleaning).
""",
    "webnlg": """## WebNLG 2017

Official tools: multi-bleu.perl -lc, METEOR 1.5 and tercom 0.7.25 with up to three references, on lower-cased outputs
split at non-word characters; seen, unseen and all are three runs of the scorers. METEOR and TER are those of the
organisers' score files, of which the paper prints two digits. Outputs: submissions of the challenge, from the
organisers' evaluation folder.
""",
    "dart": """## DART v1.1.1

The authors of prefix-tuning left one output file (an early run, not the published system) for the test file of their
time; entries without references are left out. Nobody printed its scores, so "published" is here what the official
multi-bleu.perl, METEOR 1.5 and tercom give on the same file.
""",
    "xsum": """## XSUM

In print are values of ROUGE-1.5.5 (Perl, `-m`, mean of 1,000 resamples), which `ROUGE-*_155` follows up to the
resampling. The paper's own numbers come from the Python package rouge-score, which is `ROUGE-1`, `ROUGE-2`, `ROUGE-L`
here and lies 0.1 to 0.4 lower. Outputs: XSum's predictions (EdinburghNLP/XSum, MIT) and SimCLS (yixinL7/SimCLS).
""",
}

TIMES = """## Time of TER

TER follows tercom's search exactly. Skipping only what cannot change a count makes a whole test set a matter of seconds
for one process, so it is not spread over several. Measured with this page:
"""

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))

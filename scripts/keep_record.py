"""Keep finished runs for publication: python scripts/keep_record.py results/runs/NAME ...

Copies what tables are made from to results/records/NAME/: result.json, the outputs alone (corpora have licences of
their own, so inputs and references stay out), and the counts behind the scores, from which intervals and paired tests
are made without scoring again. All directories are checked before the first is copied.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from prefixrun.errors import PrefixrunError
from prefixrun.files import canonical_json, make_directory, read_json, read_json_lines, write_bytes, write_json
from prefixrun.records import OUTPUTS, compressed
from prefixrun.result import validate_result


def main(directories: Sequence[Path], records: Path) -> None:
    """Copy runs. Raises PrefixrunError when one is not finished or not valid; then nothing is copied."""
    kept = {directory: _files(directory) for directory in directories}
    for directory, (result, outputs, counts) in kept.items():
        target = make_directory(records / directory.name)
        write_bytes(target / OUTPUTS, outputs)
        write_bytes(target / "stats.parquet", counts)
        write_json(target / "result.json", result)
        print(target)


def _files(directory: Path) -> tuple[object, bytes, bytes]:
    """Result, compressed outputs and counts of one run."""
    result = read_json(directory / "result.json")
    if problems := validate_result(result):
        raise PrefixrunError(f"{directory}: {'; '.join(problems)}")
    outputs = {record["id"]: record["output"] for record in read_json_lines(directory / "generations.jsonl").records}
    if len(outputs) != result["n_inputs"]:
        raise PrefixrunError(f"{directory}: {len(outputs)} outputs in generations.jsonl, {result['n_inputs']} scored")
    lines = (canonical_json({"id": key, "output": outputs[key]}) + "\n" for key in sorted(outputs))
    return result, compressed("".join(lines)), _compact(directory / "stats.parquet")


def _compact(path: Path) -> bytes:
    """The same table in few bytes: most counts are small whole numbers that were stored as 64-bit floats."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise PrefixrunError(f"{path}: cannot be read ({error})") from error
    for name in table.columns.difference(["id", "group"], sort=False):
        if (table[name] == table[name].round()).all():
            table[name] = pd.to_numeric(table[name], downcast="integer")
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    try:
        main([Path(each) for each in sys.argv[1:]], Path("results/records"))
    except PrefixrunError as error:
        sys.exit(f"keep_record.py: {error}")

"""Keep a finished run for publication: python scripts/keep_record.py results/runs/NAME

Copies what tables are made from to results/records/NAME/: result.json, and the outputs alone, one a line in the order
of the test inputs. Inputs and references stay out, because corpora have licences of their own.
"""

import sys
from pathlib import Path

from prefixrun.errors import PrefixrunError
from prefixrun.files import make_directory, read_json, read_json_lines, write_json, write_text
from prefixrun.result import validate_result


def main(directory: Path, records: Path) -> None:
    """Copy one run. Raises PrefixrunError when it is not finished or its result is not valid."""
    result = read_json(directory / "result.json")
    problems = validate_result(result)
    if problems:
        raise PrefixrunError(f"{directory}: {'; '.join(problems)}")
    outputs = {record["id"]: record["output"] for record in read_json_lines(directory / "generations.jsonl").records}
    target = make_directory(records / directory.name)
    write_text(target / "outputs.txt", "".join(f"{outputs[key]}\n" for key in sorted(outputs)))
    write_json(target / "result.json", result)
    print(target)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path("results/records"))
    except (IndexError, PrefixrunError) as error:
        sys.exit(f"keep_record.py: {error}" if isinstance(error, PrefixrunError) else __doc__)

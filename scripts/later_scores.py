"""Give committed records the scores that are computed after a run.

python scripts/later_scores.py DATA_DIR [RESULTS_DIR]

They need the corpus, which records do not hold. What is there already is computed again.
"""

import sys
from pathlib import Path

from prefixrun.results.records import load_records
from prefixrun.results.score_later import add_later_scores

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    results_dir = Path(sys.argv[2] if len(sys.argv) > 2 else "results")
    for record in load_records(results_dir, ("records",)).runs:
        if path := add_later_scores(record, Path(sys.argv[1])):
            print(path)

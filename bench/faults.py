"""The demo's story with the daemon killed at random moments: `./run faults [SEEDS] [FIRST]`; prints a line a seed."""

import sys
import tempfile
from pathlib import Path

from jobs.demo.world import StepFailed
from tests.integration.killed_story import LETTERS, tell


def main(seeds: int, first: int) -> int:
    """Returns 0 when every seed ended with each person's letters, none lost and none made twice."""
    bad = 0
    for seed in range(first, first + seeds):
        with tempfile.TemporaryDirectory(prefix="verbinden-faults-", ignore_cleanup_errors=True) as folder:
            try:
                told = tell(Path(folder), seed)
            except StepFailed as failed:
                bad += 1
                print(f"seed {seed}: FAILED: {failed}", flush=True)
                continue
        right = told.letters == LETTERS and max(told.repeated, len(told.doubtful)) <= told.kills
        bad += not right
        verdict = "good" if right else f"WRONG: {told.letters}"
        left = f"{told.repeated} repeated, {len(told.doubtful)} in doubt"
        print(f"seed {seed}: {told.kills} kills, {left}, {verdict}", flush=True)
    print(f"{seeds - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(numbers + [20, 1][len(numbers) :])))

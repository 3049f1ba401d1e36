"""The quickstart from nothing, and once more when it is done: under 5 minutes and 3 GB, then under 3 s."""

import resource
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.ratios import seconds_of, write


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "indomain", "run", "quickstart", "--runs-dir", f"{folder}/runs"]
        command += ["--cache-dir", f"{folder}/cache"]

        def run() -> None:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        first = seconds_of(run)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        again = median(seconds_of(run) for _ in range(5))
    write(
        "recipe",
        [
            {"what": "quickstart, seconds", "value": round(first), "limit": 300},
            {"what": "quickstart, peak memory, MB", "value": round(memory), "limit": 3000},
            {"what": "quickstart when it is done, seconds", "value": round(again, 2), "limit": 3},
        ],
    )


if __name__ == "__main__":
    main()

"""The quickstart from nothing, once more when it is done, and its plain twin (`plain`), which keeps nothing.

The twin takes twenty minutes: one repetition, unless TIMES says more.
"""

import os
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
        imports = subprocess.run(
            [sys.executable, "-X", "importtime", *command[1:]], check=True, capture_output=True, text=True
        )
        without_tensorflow = "tensorflow" not in imports.stderr
    ratios, plain = [], 0.0
    for _ in range(int(os.environ.get("TIMES", "1"))):
        with tempfile.TemporaryDirectory() as folder:
            plain = seconds_of(
                lambda folder=folder: subprocess.run(
                    [sys.executable, "-m", "benchmarks.plain", folder], check=True, stdout=subprocess.DEVNULL
                )
            )
        ratios.append(plain / first)
    write(
        "recipe",
        [
            {"what": "quickstart, seconds", "value": round(first), "limit": 300},
            {"what": "quickstart, peak memory, MB", "value": round(memory), "limit": 3000},
            {"what": "quickstart when it is done, seconds", "value": round(again, 2), "limit": 1.5},
            {"what": "quickstart when it is done, imports no TensorFlow", "value": without_tensorflow, "limit": True},
            {"what": "plain Keras script, seconds", "value": round(plain), "limit": ""},
            {"what": f"quickstart, times as fast ({len(ratios)} runs)", "value": round(median(ratios), 1), "limit": 4},
        ],
    )


if __name__ == "__main__":
    main()

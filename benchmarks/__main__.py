"""Runs every benchmark: python -m benchmarks [NAME ...]"""

import importlib
import sys

# The longest last: `recipe` runs the quickstart and its plain twin, half an hour; `agreement` runs it five times.
BENCHMARKS = (
    "phantoms",
    "gate_weights",
    "duplicates",
    "macs",
    "baselines",
    "preparing",
    "feeding",
    "steps",
    "reuse",
    "explaining",
    "fusing",
    "adapting",
    "generating",
    "predicting",
    "advising",
    "allocating",
    "memory",
    "precision",
    "heads",
    "pretexts",
    "transferability",
    "statistics",
    "recipe",
    "agreement",
)

for name in sys.argv[1:] or BENCHMARKS:
    importlib.import_module(f"benchmarks.{name}").main()

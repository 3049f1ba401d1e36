"""Runs every benchmark: python -m benchmarks [NAME ...]"""

import sys

from benchmarks import phantoms, preparing, recipe

BENCHMARKS = {"phantoms": phantoms.main, "preparing": preparing.main, "recipe": recipe.main}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()

"""The quickstart's verdicts with other seeds and on other processors: none may contradict another.

Training amplifies rounding, so that the same seeds give other numbers on another processor. Here one processor passes for
three others: oneDNN told to use older instructions, or not used at all. An hour, resumed where it stopped: RUNS=FOLDER keeps
the runs (default: runs/agreement), VARIANTS=base,avx2 runs some of them; the rows of the others are kept.
"""

import csv
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

from benchmarks.ratios import RESULTS, write

# Name -> words of the command, environment.
VARIANTS: dict[str, tuple[list[str], dict[str, str]]] = {
    "base": ([], {}),
    "seeds": (["--set", "seeds=[10,11,12]"], {}),
    "avx2": ([], {"ONEDNN_MAX_CPU_ISA": "AVX2"}),
    "sse41": ([], {"ONEDNN_MAX_CPU_ISA": "SSE41"}),
    "plain": ([], {"TF_ENABLE_ONEDNN_OPTS": "0"}),
}
TITLES = {
    "base": "this processor, seeds 0, 1, 2",
    "seeds": "this processor, seeds 10, 11, 12",
    "avx2": "as without AVX-512, seeds 0, 1, 2",
    "sse41": "as with SSE 4.1 only, seeds 0, 1, 2",
    "plain": "without oneDNN, seeds 0, 1, 2",
}
CONTRADICTING = ({"better", "worse"}, {"better", "equal"}, {"worse", "equal"})
Key = tuple[str, str, str]


def compared(name: str, folder: Path) -> dict[Key, dict[str, str]]:
    """(backbone, method, chain) -> the row of its comparison, by the first metric."""
    words, environment = VARIANTS[name]
    command = [sys.executable, "-m", "indomain", "run", "quickstart", "--runs-dir", str(folder / name)]
    command += ["--cache-dir", str(folder / "cache"), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    with open(folder / name / "quickstart" / "table.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "auroc" and row["difference"]]
    return {(row["backbone"], row["method"], row["chain"]): row for row in rows}


def kept(names: list[str]) -> dict[Key, dict[str, dict[str, object]]]:
    """Key -> variant -> its row, of the variants that were run before and are not named."""
    found: dict[Key, dict[str, dict[str, object]]] = {}
    path = RESULTS / "bench-agreement.csv"
    if path.is_file():
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                comparison, _, title = row["what"].partition("; ")
                name = next(name for name, known in TITLES.items() if known == title)
                backbone, method, chain = comparison.rpartition(" minus ")[0].rsplit(", ", 2)
                if name not in names:
                    found.setdefault((backbone, method, chain), {})[name] = dict(row)
    return found


def main() -> None:
    folder = Path(os.environ.get("RUNS", "runs/agreement"))
    names = os.environ.get("VARIANTS", ",".join(VARIANTS)).split(",")
    found = kept(names)
    for name in names:
        for key, row in compared(name, folder).items():
            low, high = (float(row[f"difference_{end}"] or "nan") for end in ("low", "high"))
            found.setdefault(key, {})[name] = {
                "what": f"{', '.join(key)} minus {row['compared_with']}; {TITLES[name]}",
                "difference": f"{float(row['difference']):+.3f} [{low:+.3f}, {high:+.3f}]",
                "verdict": row["verdict"],
                "family": row["family"],
            }
    rows: list[dict[str, object]] = []
    for of_key in found.values():
        verdicts = [row["verdict"] for row in of_key.values()]
        counts = {
            "decided": f"{sum(verdict not in ('', 'cannot tell') for verdict in verdicts)} of {len(verdicts)}",
            "contradictions": sum({a, b} in CONTRADICTING for a, b in combinations(verdicts, 2)),
        }
        rows += [{**of_key[name], **counts} for name in VARIANTS if name in of_key]
    write("agreement", rows)


if __name__ == "__main__":
    main()

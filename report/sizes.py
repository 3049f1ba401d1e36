"""How large and how fast the networks of each row are: weights, multiply-adds, the time for one image, and where they are cut."""

from collections import Counter
from statistics import median

import pandas as pd

from indomain.artifacts.record import read_record
from report.comparison import RowKey
from report.given import ReportInput

COLUMNS = [
    *("profile", "target", "budget", "chain", "backbone", "method"),
    *("mean", "ci_low", "ci_high", "weights", "multiply_adds", "latency_ms", "cut"),
]


def sizes(given: ReportInput, table: pd.DataFrame) -> pd.DataFrame:
    """One line per row of networks' own heads, where networks on a backbone differ in size or were timed; else none.

    Args:
        given: the input of the report.
        table: all rows, of which those of the first metric and the first level supply mean and interval.
    """
    known: dict[RowKey, list[dict]] = {}
    for tags, folder in given.of_kind("finetune/"):
        record = read_record(folder)
        if record.diverged is None and "weights" in record.facts:
            known.setdefault(RowKey.of(tags), []).append(record.facts)
    lines = []
    for key, facts in known.items():
        words = {name: value for name, value in key.words().items() if name != "level"}
        timed = [fact["latency_ms"] for fact in facts if "latency_ms" in fact]
        lines.append(
            {
                **words,
                **_measured(table, words, given.metric),
                "weights": median(fact["weights"] for fact in facts),
                "multiply_adds": median(fact["multiply_adds"] for fact in facts),
                "latency_ms": median(timed) if timed else float("nan"),
                "cut": _cuts(facts),
            }
        )
    found = pd.DataFrame(lines, columns=COLUMNS)
    differ = found.groupby(["target", "backbone"])["weights"].nunique().gt(1).any()
    return found if len(found) and (differ or found["latency_ms"].notna().any()) else found.iloc[:0]


def _measured(table: pd.DataFrame, words: dict[str, str], metric: str) -> dict[str, float]:
    """The mean of a row by the first metric and level, and its interval."""
    rows = table[(table["kind"] == "score") & (table["metric"] == metric)]
    for name, value in words.items():
        rows = rows[rows[name] == value]
    names = ["mean", "ci_low", "ci_high"]
    return rows.iloc[0][names].to_dict() if len(rows) else dict.fromkeys(names, float("nan"))


def _cuts(facts: list[dict]) -> str:
    """After which layers the networks are cut, the most frequent first; "" where they are whole."""
    counts = Counter(fact["cut"] for fact in facts if "cut" in fact)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{cut} in {count} of {len(facts)}" for cut, count in counts.most_common())

"""Reading a table: which rows are shown, which chain leads, and whether it can be told from the reference chain."""

import re
from fnmatch import fnmatchcase

from benchmarks.pages.house import Row, taken

ALPHA = 0.05
GROUP = ("profile", "target", "budget", "backbone", "method")  # rows that agree in these differ by their chain only


def picked(rows: list[Row], where: dict[str, str]) -> list[Row]:
    """The rows whose columns match, `*` standing for anything."""
    for key in where:
        taken(rows[0], key, "column")
    return [row for row in rows if all(fnmatchcase(row[key], pattern) for key, pattern in where.items())]


def main_rows(rows: list[Row], where: dict[str, str]) -> list[Row]:
    """The first metric of the fine-tuned networks at the first level, test images without a marker; or what `where` says."""
    chosen = picked(rows, {"metric": rows[0]["metric"], "level": rows[0]["level"], **where})
    if "method" not in where:
        chosen = [row for row in chosen if row["method"] and not re.search("[:,]", row["method"])]
    if "target" not in where:
        chosen = [row for row in chosen if "carry the mark" not in row["note"]]
    return chosen


def groups(rows: list[Row]) -> list[list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in GROUP), []).append(row)
    return list(found.values())


def failed(row: Row) -> str:
    """What is to be known of trainings that came to nothing; "" if there are none."""
    if row["note"].startswith("diverged:"):
        return "diverged"
    if partly := re.match(r"diverged in \d+ of \d+ runs", row["note"]):
        return partly.group()
    if dead := re.match(r"(\d+) of (\d+) runs give every image the same score", row["note"]):
        return "died" if dead[1] == dead[2] else f"{dead[1]} of {dead[2]} runs died"
    return ""


def reference_of(rows: list[Row]) -> Row | None:
    """The row of a group that the others are compared with."""
    names = {row["compared_with"] for row in rows} - {""}
    return next((row for row in rows if row["chain"] in names), None)


def verdict(row: Row) -> str:
    """better, worse or cannot tell (or the words of a column `verdict`); "" if the row is compared with nothing."""
    if row.get("verdict"):
        return row["verdict"]
    if not row["p_value"]:
        return ""
    if float(row["p_value"]) > ALPHA:
        return "cannot tell"
    return "better" if float(row["difference"]) > 0 else "worse"


def interval(row: Row) -> str:
    if not row["mean"]:
        return failed(row) or "no value"
    low, high = ("?" if not row[key] else f"{float(row[key]):.3f}" for key in ("ci_low", "ci_high"))
    return f"{float(row['mean']):.3f} [{low}, {high}]"


def p_text(p: float) -> str:
    return "*p* < 0.001" if p < 0.0005 else f"*p* {p:.3f}"


def leader(rows: list[Row]) -> tuple[Row | None, str]:
    """The chain of a group with the highest mean, and in words whether it can be told from the reference chain."""
    sound = [row for row in rows if row["mean"] and failed(row) != "died" and not failed(row).startswith("diverged")]
    if not sound:
        return None, "no chain has a result"
    best, reference = max(sound, key=lambda row: float(row["mean"])), reference_of(rows)
    if reference is None:
        return best, "the reference chain has no result to compare with"
    name = reference["chain"]
    if best is not reference:
        words = {"better": f"better than {name}", "cannot tell": f"cannot be told from {name}"}
        said = words.get(verdict(best), f"{verdict(best) or 'not compared'} ({name})")
        return best, said + (f", {p_text(float(best['p_value']))}" if best["p_value"] else "")
    compared = [row for row in rows if verdict(row)]
    worse = [row for row in compared if verdict(row) == "worse"]
    if not worse:
        return best, f"none of the {len(compared)} others can be told from it" if compared else "not compared"
    highest = p_text(max(float(row["p_value"]) for row in worse)) + (" or less" if len(worse) > 1 else "")
    if len(worse) == len(compared) == len(rows) - 1:
        return best, f"**{name} wins**: all {len(worse)} others are worse, {highest}"
    which = ", ".join(row["chain"] for row in worse) if len(worse) < 4 else f"{len(worse)} others"
    return best, f"{which} worse, {highest}; none of the other {len(compared) - len(worse)} can be told from it"

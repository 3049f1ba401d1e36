"""Reading a table: which rows are shown, which chain leads, and whether it can be told from the reference chain."""

import re
from fnmatch import fnmatchcase

from benchmarks.pages.house import Row, taken
from indomain.recipe.recipe import BASELINE
from report.comparison import less_is_better

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
        compared = {row["compared_with"] for row in chosen if row["compared_with"]}
        chosen = [
            row
            for row in chosen
            if row["method"] and (not re.search(":|calibrated", row["method"]) or address(row) in compared)
        ]
    if "target" not in where:
        chosen = [row for row in chosen if "carry the mark" not in row["note"]]
    return chosen


def address(row: Row) -> str:
    """A row as `compared_with` names it where it is not the chain of the same network and method."""
    return f"{row['chain']}, {row['backbone']}, {row['method']}"


def group_keys(rows: list[Row]) -> tuple[str, ...]:
    """The columns in which rows agree that are compared: of a target with the best ImageNet row, all its networks are."""
    addresses = {address(row) for row in rows}
    return GROUP[:3] if any(row["compared_with"] in addresses for row in rows) else GROUP


def groups(rows: list[Row]) -> list[list[Row]]:
    keys = group_keys(rows)
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(found.values())


def named(row: Row, rows: list[Row]) -> str:
    """A row's chain, and its network and method if the chain has several rows."""
    return row["chain"] if [other["chain"] for other in rows].count(row["chain"]) == 1 else address(row)


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
    by_address = next((row for row in rows if address(row) in names), None)
    return by_address or next((row for row in rows if row["chain"] in names), None)


def holds_training(row: Row) -> bool:
    """Whether the intervals of a table hold how trainings vary; older tables have no verdicts, and claim nothing."""
    return "verdict" in row


def interval(row: Row) -> str:
    """The mean with its interval; in older tables, whose intervals hold the patients only, with the sd over the runs."""
    if not row["mean"]:
        return failed(row) or "no value"
    mean = f"{float(row['mean']):.3f}"
    if not holds_training(row):
        return f"{mean} ± {float(row['sd_runs']):.3f}" if row["sd_runs"] else mean
    low, high = ("?" if not row[key] else f"{float(row[key]):.3f}" for key in ("ci_low", "ci_high"))
    return f"{mean} [{low}, {high}]"


def difference(row: Row) -> str:
    """The difference from the reference chain with its interval; "" without one."""
    if not holds_training(row) or not row["difference_low"]:
        return ""
    value, low, high = (
        f"{float(row[key]):+.3f}".replace("-", "−") for key in ("difference", "difference_low", "difference_high")
    )
    return f"{value} [{low}, {high}]"


def contenders(rows: list[Row]) -> list[Row]:
    """The rows of a group but those frozen networks that are not the reference; all where nothing is compared."""
    reference = reference_of(rows)
    return [row for row in rows if row is reference or row["chain"] != BASELINE] if reference else rows


def leader(rows: list[Row]) -> tuple[Row | None, str]:
    """The chain of a group with the highest mean, and what the verdicts say about it and the reference chain."""
    rows = contenders(rows)
    sound = [row for row in rows if row["mean"] and failed(row) != "died" and not failed(row).startswith("diverged")]
    if not sound:
        return None, "no chain has a result"
    sign = -1 if less_is_better(sound[0]["metric"]) else 1
    best, reference = max(sound, key=lambda row: sign * float(row["mean"])), reference_of(rows)
    if reference is None:
        return best, "nothing is compared"
    name = named(reference, rows)
    if not holds_training(best):
        return best, "no claim: made before intervals held the training"
    if best is not reference:
        # An experiment within a chain is compared with its own control.
        name = name if best["compared_with"] in (address(reference), reference["chain"]) else best["compared_with"]
        words = {
            "better": f"better than {name}, {difference(best)}",
            "cannot tell": f"cannot be told from {name}, {difference(best)}",
            "equal": f"equals {name}, {difference(best)}",
        }
        said = words.get(best["verdict"], f"no claim ({best['note'] or 'no interval'})")
        return best, said + " (exploration)" * bool(best["verdict"] and best["family"] != "primary")
    compared = [row for row in rows if row["verdict"] and row["family"] == "primary"]
    if not compared:
        return best, "no claim"
    worse = [row for row in compared if row["verdict"] == "worse"]
    others = len(rows) - 1
    if len(worse) == others:
        return best, f"**{name} wins**: {'the other is' if others == 1 else f'all {others} others are'} worse"
    words = {"worse": "worse", "equal": "equal to it", "cannot tell": "not to be told from it"}
    if others == 1:
        return best, f"the other is {words[compared[0]['verdict']]}"
    counted = {
        verdict: sum(row["verdict"] == verdict for row in compared) for verdict in ("worse", "equal", "cannot tell")
    }
    said = ", ".join(f"{number} {words[verdict]}" for verdict, number in counted.items() if number)
    return best, f"of {others} others {said}"

"""Synthetic images: whether they help beyond what as many steps give, and how they compare with real ones."""

from pathlib import Path

import pandas as pd

from indomain.artifacts.record import read_record
from indomain.runs.tags import OVERSAMPLED
from report.given import ReportInput
from report.table import TableRow

HELPED = [
    *("target", "chain", "backbone", "method", "mean", "ci_low", "ci_high"),
    *("difference", "difference_low", "difference_high", "verdict", "compared_with"),
]
JUDGED = ["kid", "kid_real", "density", "coverage", "variety", "nearest", "nearest_held_out", "copies"]
KEYS = ["target", "generator", "class"]


def helped(scored: list[TableRow], table: pd.DataFrame, given: ReportInput) -> pd.DataFrame:
    """One line per mixture and classic row, by the first metric and level; none where nothing was made.

    Args:
        scored: the rows on predictions.
        table: the same with verdicts, in the same order, first.
        given: the input of the report.
    """
    shown = []
    mixed = {_place(row) for row in scored if row.key.method.mixture}
    for row, line in zip(scored, table.to_dict("records")):
        is_first = row.metric == given.metric and row.key.level == given.levels_of(row.key)[0][1]
        if is_first and _place(row) in mixed and not row.key.method.calibrated:
            shown.append({name: line[name] for name in HELPED})
    return pd.DataFrame(shown, columns=HELPED)


def _place(row: TableRow) -> tuple:
    key = row.key
    return key.profile, key.target, key.budget, key.chain, key.backbone, key.method.strategy, key.level


def judged(given: ReportInput) -> pd.DataFrame:
    """How the images of each generator and class compare with real ones: the mean of its runs, and how often what went wrong.

    Args:
        given: the input of the report.
    """
    parts = []
    for tags, folder in given.of_kind("synthesis/"):
        record = read_record(folder)
        if record.diverged is None:
            table = pd.read_csv(folder / "judged.csv", keep_default_na=True)
            parts.append(table.assign(target=tags.target, generator=tags.source, beware=table["beware"].fillna("")))
        else:
            parts.append(
                pd.DataFrame({"target": [tags.target], "generator": tags.source, "class": "", "beware": "diverged"})
            )
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "runs", *JUDGED, "beware"])
    every = pd.concat(parts, ignore_index=True)
    lines = []
    for names, part in every.groupby(KEYS, sort=False):
        words = part["beware"].str.split("; ").explode()
        counts = words[words != ""].value_counts()
        lines.append(
            {
                **dict(zip(KEYS, names)),
                "runs": len(part),
                **part.reindex(columns=JUDGED).mean().to_dict(),
                "beware": "; ".join(f"{word} in {count} of {len(part)}" for word, count in counts.items()),
            }
        )
    return pd.DataFrame(lines)


def sheets(given: ReportInput, kind: str = "") -> list[tuple[str, Path]]:
    """The contact sheet of each generator and target, of the first fold and seed: (title, file).

    Args:
        given: the input of the report.
        kind: "" for generators, "translate" for what translates sources to the look of a target.
    """
    shows = "the sources' images, their translations, and the target's images; a line each"
    shows = shows if kind else "real images left, synthetic ones right; a line a class"
    found: dict[tuple, tuple[str, Path]] = {}
    for tags, folder in given.of_kind(f"synthesis/{kind}"):
        key = (tags.target, tags.source)
        if key not in found and (folder / "sheet.png").is_file():
            found[key] = f"{tags.target}, {tags.source}: {shows}", folder / "sheet.png"
    return list(found.values())


def sentences(found: pd.DataFrame, of_images: pd.DataFrame) -> list[str]:
    """What the verdicts say of each target, and what went wrong with the images.

    Args:
        found: as `helped` returns it.
        of_images: as `judged` returns it.
    """
    said = []
    for target, part in found.groupby("target", sort=False):
        added = part[part["compared_with"] == OVERSAMPLED]
        words = [f"{count} {verdict}" for verdict, count in added["verdict"].value_counts().items()]
        low, high = (
            f"{value:+.3f}".replace("-", "−") for value in (added["difference"].min(), added["difference"].max())
        )
        counts = f"{', '.join(words)} (differences from {low} to {high})" if words else "nothing is claimed"
        said.append(
            f"{target}: of {len(added)} rows with synthetic images against oversampling at equal steps: {counts}."
        )
    wrong = of_images[of_images["beware"] != ""] if len(of_images) else of_images
    for line in wrong.to_dict("records"):
        said.append(f"{line['target']}, {line['generator']}, {line['class'] or 'all classes'}: {line['beware']} runs.")
    return said

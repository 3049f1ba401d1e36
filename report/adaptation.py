"""Domain adaptation: what a target reaches without its labels, beside what it would without adaptation, and with its labels."""

from dataclasses import replace

import numpy as np
import pandas as pd

from indomain.artifacts.record import read_record
from indomain.runs.tags import SOURCE_ONLY, TARGET_TRAINED
from report.arms import ArmResults
from report.caveats import shares_differ
from report.given import ReportInput

COLUMNS = [
    *("profile", "target", "chain", "backbone", "method", "adaptation", "mean", "ci_low", "ci_high"),
    *("difference", "difference_low", "difference_high", "verdict", "share_of_gap", "sources", "class_shares"),
]


def adaptations(arms: list[ArmResults], table: pd.DataFrame, given: ReportInput) -> pd.DataFrame:
    """One line per adaptation and control, by the first metric and level; none where nothing was adapted.

    Args:
        arms: all arms of the table.
        table: all rows that have numbers.
        given: the input of the report.

    Returns:
        `method` is what learns, a classifier on features or a network; `share_of_gap` is the part of the way from source-only to
        target-trained that an adaptation went, NaN where that way is shorter than 0.01; `class_shares` are those of the sources
        and of the target, by class.
    """
    first = table[(table["metric"] == given.metric) & (table["kind"] == "score")]
    keys = ["profile", "target", "chain", "backbone", "budget", "method", "level"]
    rows = {tuple(row[key] for key in keys): row for row in first.to_dict("records")}
    lines = []
    for arm in arms:
        words = arm.key.words()
        row = rows.get(tuple(words[key] for key in keys))
        if not arm.key.method.adaptation or row is None or words["level"] != given.levels_of(arm.key)[0][1]:
            continue
        source, target = _mean_shares(arm)
        pairs = [f"{name} {a:.2f}, {b:.2f}" for name, a, b in zip(arm.info.classes, source, target)]
        lines.append(
            {
                **{name: row[name] for name in COLUMNS if name in row},
                "method": str(replace(arm.key.method, adaptation="", tuned=False)),
                "adaptation": arm.key.method.adaptation,
                "sources": ", ".join(given.recipe["targets"][arm.key.target]["adapt_from"]),
                "class_shares": "; ".join(pairs),
            }
        )
    found = pd.DataFrame(lines, columns=COLUMNS)
    for _, part in found.groupby(COLUMNS[:5]):
        means = part.set_index("adaptation")["mean"]
        if {SOURCE_ONLY, TARGET_TRAINED} <= set(means.index):
            gap = means[TARGET_TRAINED] - means[SOURCE_ONLY]
            share = (part["mean"] - means[SOURCE_ONLY]) / gap if abs(gap) >= 0.01 else np.nan
            found.loc[part.index, "share_of_gap"] = share
    return found


def _mean_shares(arm: ArmResults) -> tuple[np.ndarray, np.ndarray]:
    """The share of each class in the sources and in the target, the mean over the runs."""
    unknown = [np.nan] * len(arm.info.classes)
    shares = arm.shares or [(unknown, unknown)]
    return np.mean([first for first, _ in shares], axis=0), np.mean([second for _, second in shares], axis=0)


def sentences(arms: list[ArmResults], found: pd.DataFrame) -> list[str]:
    """What the verdicts say, a sentence for each target, and a warning where class shares differ.

    Args:
        arms: all arms of the table.
        found: as `adaptations` returns it.
    """
    said = []
    for target, part in found.groupby("target", sort=False):
        adapted = part[
            ~part["adaptation"].isin([SOURCE_ONLY, TARGET_TRAINED]) & ~part["adaptation"].str.contains("oracle")
        ]
        counts = adapted["verdict"].value_counts()
        words = [f"{count} {verdict}" for verdict, count in counts.items()]
        known = (
            f"of {len(adapted)} adaptations against source-only: {', '.join(words)}" if words else "nothing is claimed"
        )
        worst, best = adapted["difference"].min(), adapted["difference"].max()
        spread = f" (differences from {worst:+.3f} to {best:+.3f})".replace("-", "−") if worst == worst else ""
        gap = _gap(part)
        said.append(f"{target}, learnt from {part['sources'].iloc[0]}: {known}{spread}{gap}.")
        of_target = [arm for arm in arms if arm.key.target == target and arm.shares]
        if any(shares_differ(*_mean_shares(arm)) for arm in of_target):
            said.append(
                f"{target}: the classes have other shares there than in the sources ({part['class_shares'].iloc[0]}). Methods "
                "that align features take them for equal, and map images of one class onto those of the other."
            )
    return said


def of_translations(given: ReportInput) -> list[str]:
    """How far the sources' images were from the target's before and after their translation, a sentence for each target.

    Args:
        given: the input of the report.
    """
    found: dict[tuple[str, str], list[dict]] = {}
    for tags, folder in given.of_kind("synthesis/translate"):
        record = read_record(folder)
        if record.diverged is None:
            found.setdefault((str(tags.target), str(tags.source)), []).append(record.facts)
    said = []
    for (target, name), facts in found.items():
        before, after, real, change = (
            np.mean([one[key] for one in facts]) for key in ("kid_before", "kid_after", "kid_real", "change")
        )
        said.append(
            f"{target}, {name}: the sources' images are at a KID of {before:.3f} from the target's, their translations at "
            f"{after:.3f}, two halves of the target's at {real:.3f}; they were changed by {change:.0f} grey values on average."
        )
    return said


def _gap(part: pd.DataFrame) -> str:
    """What the target's labels would be worth: the range over networks."""
    means = part.set_index(["chain", "backbone", "method", "adaptation"])["mean"].unstack()
    if not {SOURCE_ONLY, TARGET_TRAINED} <= set(means.columns):
        return ""
    gaps = (means[TARGET_TRAINED] - means[SOURCE_ONLY]).dropna()
    ends = [f"{value:+.3f}".replace("-", "−") for value in (gaps.min(), gaps.max())]
    return f"; the target's labels are worth {ends[0] if len(gaps) == 1 else f'{ends[0]} to {ends[1]}'}"

"""What a reader must know to read the numbers, in sentences."""

import numpy as np
import pandas as pd

from report.arms import ArmResults
from report.given import ReportInput


def interval_caveat(interval: tuple[float, float]) -> str:
    """A warning where all images agree: the bootstrap interval then has zero width, however few images there are."""
    return "every bootstrap sample gives the same value" if interval[0] == interval[1] else ""


def undefined_caveat(values: np.ndarray) -> str:
    """What a reader must know where a metric has no value in some runs: their test part holds one class only."""
    count = int((~np.isfinite(values)).sum())
    if not count:
        return ""
    if count == len(values):
        return "not defined: every test part holds one class only"
    return f"not defined in {count} of {len(values)} runs, whose test part holds one class only; mean of the others"


def failure_caveats(arms: list[ArmResults]) -> list[str]:
    """Sentences for the reader, if any training diverged or left a dead network."""
    failures = {
        "Diverged (the numbers left the range of floats)": [arm for arm in arms if arm.diverged],
        "Dead (every image gets the same score)": [arm for arm in arms if arm.dead],
    }
    return [f"{what}, wholly or in part: {_named(failed)}." for what, failed in failures.items() if failed]


def _named(arms: list[ArmResults]) -> str:
    words = [", ".join(value for name, value in arm.key.words().items() if name != "level") for arm in arms]
    words = list(dict.fromkeys(words))
    return "; ".join(words[:4]) + (f"; and {len(words) - 4} more rows" if len(words) > 4 else "")


def sentences(given: ReportInput, table: pd.DataFrame) -> list[str]:
    """What a reader must know of the data, the protocol and the statistics.

    Args:
        given: what the report is made from.
        table: of all rows that have numbers.
    """
    return [*_of_data(given), *_of_protocol(given, table), *_of_statistics(given, table)]


def _of_data(given: ReportInput) -> list[str]:
    found, infos = [], given.infos
    if any(info.synthetic for info in infos.values()):
        found.append("The target's images are synthetic radiographs (phantoms): no evidence about patients.")
    if any(info.stand_in for info in infos.values()):
        found.append("The target is a reduced stand-in for the named data set: not comparable with published numbers.")
    if any(source["stand_in"] for source in given.sources.values()):
        found.append("The source is a reduced stand-in for the named data set.")
    if "paper" in given.recipe["profiles"]:
        found.append(
            "Profile paper: the set's official split or a random one by image, no validation unless official, last epoch, one "
            "seed; leaks are kept."
        )
    without = sorted({info.name for info in infos.values() if not info.has_patients})
    if without:
        found.append(f"{', '.join(without)}: the set names no patients, so images were drawn and split one by one.")
    both = [*((name, info.to_params()) for name, info in infos.items()), *given.sources.items()]
    for name, info in both:
        if info["leaks"]:
            words = ", ".join(f"{number} × {kind}" for kind, number in info["leaks"].items())
            removed = f"{info['dropped']} training images removed" if info["dropped"] else "kept"
            found.append(f"Leaks, {name}: {words}; {removed}.")
    for name, info in both:
        if info["incomplete"]:
            more = f"; and {len(info['incomplete']) - 3} more" if len(info["incomplete"]) > 3 else ""
            found.append(f"Not the published copy, {name}: {'; '.join(info['incomplete'][:3])}{more}.")
    return found


def _of_protocol(given: ReportInput, table: pd.DataFrame) -> list[str]:
    found = []
    if any(info.cut for info in given.infos.values()):
        found.append(
            f"Images were cut into patches; an image's scores are the {' or '.join(given.options['rule'])} of its patches'."
        )
    marked = sorted({name.partition("/")[2] for name in given.marked})
    if marked:
        found.append(
            f"{', '.join(marked)}: a marker that goes with the label was burnt into the images, those of the test as well "
            "unless a row says otherwise."
        )
    if table["kind"].isin(["explanation", "robustness"]).any():
        found.append(
            "Explanations and robustness are those of the first seed's networks; explained are test images of each class "
            "in turn, whatever their share."
        )
    return found


def _of_statistics(given: ReportInput, table: pd.DataFrame) -> list[str]:
    found = []
    count, samples = int(table["p_uncorrected"].notna().sum()), given.options["samples"]
    least = 2 * count / (samples + 1)
    if table["test"].eq("paired bootstrap over patients").any() and least > 0.05:
        found.append(
            f"With {samples} bootstrap samples no p of {count} comparisons can fall below {least:.2f}: more samples "
            "([report] samples) could tell more."
        )
    if count:
        kinds = ", ".join(sorted(set(table["test"].dropna())))
        found.append(f"{count} comparisons with the reference chain, Holm-corrected together. Tests: {kinds}.")
    found.append(
        "Intervals: 95 %, bootstrap over patients (over images where there are no patients), of the mean over runs."
    )
    if given.recipe.get("pretrain", {}).get("seeds", "one") == "one" and len(given.recipe["seeds"]) > 1:
        found.append("All seeds share one pretraining: its own variation is not in the intervals.")
    return found

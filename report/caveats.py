"""Caveats: what a reader must know to interpret the numbers, in sentences."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from report.arms import ArmResults
from report.comparison import ONE_PRETRAINING, ONE_TRAINING, PRIMARY
from report.given import ReportInput
from report.sample import Sample
from report.statistics import ROUNDING

# Total variation distance between the class shares of two sets from which on a reader is warned.
SHARES_APART = 0.1


def interval_caveat(sample: Sample) -> str:
    """A warning if there is no interval, or none that the data themselves give.

    Args:
        sample: a metric of all trainings of a row.

    Returns:
        "" if there is nothing to warn of.
    """
    if sample.mean != sample.mean:
        return ""
    total = sum(part.variance for part in sample.parts)
    if not np.isfinite(total):
        return "no interval: it is undefined without one of the patients, or in all folds but one"
    return "every patient, or every fold, gives the same value" if total <= ROUNDING else ""


def training_caveats(given: ReportInput, key: Any, sample: Sample) -> list[str]:
    """What a row has to say about how few trainings it stands on.

    Args:
        given: the input of the report.
        key: the row's key, with its `chain` and `profile`.
        sample: a metric of all its trainings.
    """
    shared = given.shares_pretraining(key.chain, key.profile)
    return [ONE_TRAINING] * sample.is_one_training + [ONE_PRETRAINING] * (shared and not sample.is_one_training)


def undefined_caveat(values: np.ndarray) -> str:
    """A warning if a metric is undefined in some runs because their test part has only one class.

    Args:
        values: (runs,), NaN where the metric is undefined.

    Returns:
        "" if there is nothing to warn of.
    """
    count = int((~np.isfinite(values)).sum())
    if not count:
        return ""
    if count == len(values):
        return "not defined: every test part holds one class only"
    return f"not defined in {count} of {len(values)} runs, whose test part holds one class only; mean of the others"


def choices_remark(chosen: list[dict[str, Any]]) -> list[str]:
    """What was chosen on validation images, and how often, the most frequent first.

    Args:
        chosen: the settings of each run.

    Returns:
        No sentence where nothing was chosen.
    """
    words = Counter(", ".join(f"{name} {value}" for name, value in settings.items()) for settings in chosen)
    counted = "; ".join(f"{text} in {number}" for text, number in words.most_common())
    return [f"chosen on validation images, of {len(chosen)} runs: {counted}"] if chosen else []


def shares_remark(classes: list[str], shares: list[tuple[list[float], list[float]]]) -> list[str]:
    """The share of each class in the sources and in the target, and a warning where they differ.

    Args:
        classes: names of the classes.
        shares: of each run of an adaptation, in the sources and in the target.

    Returns:
        No sentence where there is no adaptation.
    """
    if not shares:
        return []
    source, target = np.mean([first for first, _ in shares], axis=0), np.mean([second for _, second in shares], axis=0)
    words = ", ".join(f"{name} {a:.2f} and {b:.2f}" for name, a, b in zip(classes, source, target))
    beware = "; they differ, and alignment then hurts" if shares_differ(source, target) else ""
    return [f"class shares in the sources and in the target: {words}{beware}"]


def shares_differ(source: np.ndarray, target: np.ndarray) -> bool:
    """Whether the shares of the classes differ so much that adaptation, which takes them for equal, may do harm.

    Args:
        source: (classes,), of sum 1.
        target: the same of the target.
    """
    return bool(np.abs(source - target).sum() / 2 > SHARES_APART)


def failure_caveats(arms: list[ArmResults]) -> list[str]:
    """Sentences on runs that diverged or whose network is dead.

    Args:
        arms: all arms of the table.
    """
    failures = {
        "Diverged (the numbers left the range of floats)": [arm for arm in arms if arm.diverged],
        "Dead (every image gets the same score)": [arm for arm in arms if arm.dead],
    }
    return [f"{what}, wholly or in part: {_named(failed)}." for what, failed in failures.items() if failed]


def _named(arms: list[ArmResults]) -> str:
    names = [", ".join(value for name, value in arm.key.words().items() if name != "level") for arm in arms]
    names = list(dict.fromkeys(names))
    return "; ".join(names[:4]) + (f"; and {len(names) - 4} more rows" if len(names) > 4 else "")


def sentences(given: ReportInput, table: pd.DataFrame) -> list[str]:
    """Sentences on the data, the protocol and the statistics.

    Args:
        given: the input of the report.
        table: all rows that have numbers.
    """
    return [*_of_data(given), *_of_protocol(given, table), *_of_statistics(given, table)]


def _targets_that(given: ReportInput, attribute: str) -> str:
    """The names of the targets whose split has an attribute; "the target" if all have it, "" if none has."""
    every = {info.name for info in given.infos.values()}
    named = {info.name for info in given.infos.values() if getattr(info, attribute)}
    return "the target" if named == every else ", ".join(sorted(named))


def _of_data(given: ReportInput) -> list[str]:
    notes, infos = [], given.infos
    if whose := _targets_that(given, "synthetic"):
        notes.append(f"The images of {whose} are synthetic radiographs (phantoms): no evidence about patients.")
    if whose := _targets_that(given, "stand_in"):
        subject = "The target is a" if whose == "the target" else f"{whose}: a"
        notes.append(f"{subject} reduced stand-in for the named data set: not comparable with published numbers.")
    if any(source["stand_in"] for source in given.sources.values()):
        notes.append("The source is a reduced stand-in for the named data set.")
    if "paper" in given.recipe["profiles"]:
        notes.append(
            "Profile paper: the set's official split or a random one by image, no validation images, last epoch, one seed; leaks "
            "are kept."
        )
    notes += [
        f"{name}: the set's {info.official_val_learnt} official validation images are training images."
        for name, info in infos.items()
        if info.official_val_learnt
    ]
    without = sorted({info.name for info in infos.values() if not info.has_patients})
    if without:
        notes.append(
            f"{', '.join(without)}: the data set does not identify patients, so images were drawn and split individually."
        )
    both = [*((name, info.to_params()) for name, info in infos.items()), *given.sources.items()]
    for name, info in both:
        if info["leaks"]:
            words = ", ".join(f"{number} × {kind}" for kind, number in info["leaks"].items())
            removed = f"{info['dropped']} training images removed" if info["dropped"] else "kept"
            notes.append(f"Leaks, {name}: {words}; {removed}.")
    for name, info in both:
        if info["incomplete"]:
            more = f"; and {len(info['incomplete']) - 3} more" if len(info["incomplete"]) > 3 else ""
            notes.append(f"Not the published copy, {name}: {'; '.join(info['incomplete'][:3])}{more}.")
    return notes


def _of_protocol(given: ReportInput, table: pd.DataFrame) -> list[str]:
    notes = []
    if any(info.cut for info in given.infos.values()):
        notes.append(
            f"Images were cut into patches; an image's scores are the {' or '.join(given.options['rule'])} of its patches'."
        )
    marked = sorted({name.partition("/")[2] for name in given.marked})
    if marked:
        notes.append(
            f"{', '.join(marked)}: a marker that goes with the label was burnt into the images, including the test images "
            "unless a row states otherwise."
        )
    if table["kind"].isin(["explanation", "robustness"]).any():
        notes.append(
            "Explanations are those of the first seed's networks, robustness is that of every seed's. The images explained "
            "are test images, taken from each class in turn, whatever its share."
        )
    return notes


def _of_statistics(given: ReportInput, table: pd.DataFrame) -> list[str]:
    notes = []
    for family, part in table[table["p_uncorrected"].notna()].groupby("family", sort=False):
        if family == ONE_TRAINING:
            notes.append(
                f"{len(part)} comparisons of two networks each, not of chains ({', '.join(sorted(set(part['test'])))})."
            )
            continue
        what = "The primary family" if family == PRIMARY else f"Exploration, {family}"
        tests = ", ".join(sorted(set(part["test"])))
        count = "1 comparison" if len(part) == 1 else f"{len(part)} comparisons, Holm-corrected together,"
        notes.append(f"{what}: {count} with the reference ({tests}).")
    chosen = table[table["compared_with"].fillna("").str.contains(", ") & (table["kind"] == "score")]
    if len(chosen):
        several = any(info.folds > 1 for info in given.infos.values())
        notes.append(
            "The reference is the best of the frozen networks and of the ImageNet networks' own heads on validation images"
            + ("; other folds test these, so that differences lean towards it a little." if several else ".")
        )
    notes.append(
        "Intervals: 95 %, of the expected value of the whole procedure on new patients (images where there are no patients); "
        "the column interval_holds says what varied."
    )
    if table["family"].eq(ONE_TRAINING).any():
        notes.append(
            "Where there is one training of a chain, its interval holds the patients only and nothing is claimed about the "
            "chain: several seeds, or folds, would show how trainings vary (explanations are always those of the first seed)."
        )
    chains = {
        chain
        for profile in given.recipe["profiles"]
        for chain in given.chains
        if given.shares_pretraining(chain, profile)
    }
    if chains:
        notes.append(
            f"{', '.join(sorted(chains))}: there is one pretraining for all trainings. Numbers and comparisons are given this "
            'one pretraining, no claim about the chain; several seeds with [pretrain] seeds = "each" allow one.'
        )
    return notes

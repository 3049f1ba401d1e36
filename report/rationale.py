"""Why each metric stands in a table, and which of them mislead on these data (after Metrics Reloaded, "
"Maier-Hein et al. 2024)."""

from typing import Any

from indomain.metrics import printed
from report.given import ReportInput

RARE = 0.35  # share of the rarest of two classes below which accuracy can be high without any skill
_WHY = {
    "auroc": "how well scores rank, whatever the threshold; does not depend on how frequent the classes are",
    "auprc": "how well scores rank where the positive class is rare; depends on how frequent it is here",
    "accuracy": "share of correct decisions; depends on how frequent the classes are here",
    "balanced_accuracy": "mean over the classes of the share of correct decisions; does not depend on how frequent they are",
    "f1": "precision and sensitivity of the positive class together; depends on how frequent it is here",
    "f1_macro": "the same, mean over the classes",
    "precision": "how far a positive decision can be trusted at the share of positives here; see PPV at a stated prevalence",
    "sensitivity": "share of the positives that are found, at the highest score",
    "specificity": "share of the negatives that are left alone, at the highest score",
    "kappa": "agreement beyond what the margins alone would give; reported by the papers, depends on the margins",
    "mcc": "correlation of decision and truth; uses the whole confusion matrix",
    "brier": "squared distance of scores and truth: ranking and calibration together; depends on how frequent the classes are",
    "balanced_brier": "the same with every class counted alike, so that a rare class is not drowned",
    "calibration_error": "how far scores are from the shares that they promise, without what chance alone makes",
}


def sentences(given: ReportInput) -> list[str]:
    """A sentence for each metric of the table, and warnings.

    Args:
        given: the input of the report.
    """
    names = given.options["metrics"]
    said = [f"{printed(name)}: {_WHY[name]}." for name in names if name in _WHY]
    for place, info in given.infos.items():
        rarest, share = rarest_class(info)
        target = place.partition("/")[2]
        leads = names[0] in ("accuracy", "f1", "precision")
        if share < RARE and leads and len(info.classes) == 2:
            said.append(
                f"Beware, {target}: {printed(names[0])} leads the table, and {rarest} has {share:.0%} of the "
                f"images: a network that "
                f"never says it reaches an accuracy of {1 - share:.2f}. Put auroc or balanced_accuracy first."
            )
    units = given.options["levels"]
    said.append(
        f"Unit of counting: {', '.join(units)}. Intervals hold patients where the set names them, whatever the unit."
    )
    return list(dict.fromkeys(said))


def rarest_class(info: Any) -> tuple[str, float]:
    """The rarest class of a target's images, and its share.

    Args:
        info: what is known of its split.
    """
    counts = [0] * len(info.classes)
    for fold, _, number, count in info.counts:
        if fold == 0:
            counts[number] += count
    total = max(sum(counts), 1)
    place = min(range(len(counts)), key=counts.__getitem__)
    return info.classes[place], counts[place] / total

"""The answer of a table: what its verdicts say, in sentences, and how small a difference could have been seen."""

import pandas as pd

from indomain.metrics import printed
from report.comparison import ONE_PRETRAINING, ONE_TRAINING, PRIMARY
from report.design import POSSIBLE
from report.given import ReportInput

MOST = 8  # rows of which nothing can be told that a sentence names; the table has all of them
# The difference belongs to the words: "in-domain (+0.050 [+0.020, +0.080]) is better than imagenet".
_WORDS = {
    "better": ("is better than {reference}", "are better than {reference}"),
    "worse": ("is worse than {reference}", "are worse than {reference}"),
    "equal": ("equals {reference} within {margin:g}", "equal {reference} within {margin:g}"),
    "cannot tell": ("cannot be told apart from {reference}", "cannot be told apart from {reference}"),
}


def sentences(given: ReportInput, table: pd.DataFrame) -> list[str]:
    """The answer in one sentence per target, from the verdicts of the primary family, and what no claim is made about.

    Args:
        given: the input of the report.
        table: all rows.
    """
    of_metric = (table["metric"] == given.metric) & (table["kind"] == "score")
    answers = []
    for target, rows in table[of_metric & table["method"].map(_is_of_heads)].groupby("target", sort=False):
        rows = rows[rows["budget"] == given.largest_budget(str(target))]
        compared = rows[(rows["family"] == PRIMARY) & rows["verdict"].notna()]
        words = [_found(given, compared)] if len(compared) else []
        words += _unclaimed(rows[rows["difference"].notna() & ~rows.index.isin(compared.index)])
        data = " (synthetic images: no evidence about patients)" if rows["data"].eq("synthetic").any() else ""
        if words:
            answers.append(f"{target}{data}, {printed(given.metric)}: {' '.join(words)}")
    if not answers:
        named = given.metric in given.options["test_metrics"]
        why = "no chain could be compared with the reference" if named else "the first metric is not among test_metrics"
        answers.append(f"No claim about the chains can be made: {why}.")
    return answers


def _is_of_heads(method: object) -> bool:
    """Whether a row's method is a strategy: scores of a network's own head, not calibrated."""
    return isinstance(method, str) and ":" not in method and "calibrated" not in method


def _found(given: ReportInput, compared: pd.DataFrame) -> str:
    """The verdicts on one target, and the difference that would have been found."""
    found = []
    for (verdict, reference), rows in compared.groupby(["verdict", "compared_with"], sort=False):
        # The reference is a chain, or else the best ImageNet row.
        named = reference if reference in given.chains else "the best ImageNet row"
        words = _WORDS[str(verdict)][len(rows) > 1].format(reference=named, margin=given.options["margin"])
        unnamed = verdict in ("equal", "cannot tell") and len(rows) > MOST
        found.append(f"{_counted(rows) if unnamed else _listed(rows, compared)} {words}")
    best = [reference for reference in dict.fromkeys(compared["compared_with"]) if reference not in given.chains]
    if best:
        found[-1] += f" (by validation: {best[0]})"
    seen = detectable(compared)
    if seen != seen or seen > POSSIBLE:
        power = "No difference that is possible would have been found reliably."
    else:
        power = f"A true difference of {seen:.2f} would have been found four times in five"
        power += ", before the correction for several comparisons." if len(compared) > 1 else "."
    return f"{'; '.join(found)}. {power}{_same_network(compared, given.options['control'])}"


def _same_network(compared: pd.DataFrame, control: str) -> str:
    """How the same networks differ that only began elsewhere, or were only trained otherwise; no claim."""
    known = compared[compared["same_network_difference"].notna()]
    named = {f"same_network{end}": f"difference{end}" for end in ("_low", "_high")}
    named["same_network_difference"] = "difference"
    found: dict[bool, list[str]] = {False: [], True: []}
    for other, rows in known.groupby("same_network_with", sort=False):
        renamed = rows.drop(columns=list(named.values())).rename(columns=named)
        by_strategy = other == control
        found[by_strategy].append(f"against {other} {_listed(renamed, known, by_strategy)}")
    same = {False: "network and method", True: "chain and network"}
    return "".join(f" With the same {same[one]} (exploration): {'; '.join(found[one])}." for one in same if found[one])


def _counted(rows: pd.DataFrame) -> str:
    """The number of rows, and the range of their differences."""
    low, high = (f"{value:+.3f}".replace("-", "−") for value in (rows["difference"].min(), rows["difference"].max()))
    return f"{len(rows)} rows (differences from {low} to {high})"


def _listed(rows: pd.DataFrame, part: pd.DataFrame, by_method: bool = False) -> str:
    """The chains of some rows with their differences, and backbone and method where the target has several."""
    named = [name for name in ("backbone", "method") if part[name].nunique() > 1 or (by_method and name == "method")]
    names = []
    for row in rows.to_dict("records"):
        interval = f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        words = ", ".join([*(str(row[name]) for name in named), interval.replace("-", "−")])
        names.append(f"{row['chain']} ({words})")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _unclaimed(rows: pd.DataFrame) -> list[str]:
    """A sentence for each reason why chains have a difference, but no claim can be made about them."""
    reasons = {
        ONE_TRAINING: "there is one training of it, or of the reference",
        ONE_PRETRAINING: 'all trainings share one pretraining ([pretrain] seeds = "each" and several seeds vary it)',
        "paper profile": "the paper's profile is followed, leaks included",
        PRIMARY: "its difference has no interval",
    }
    sentences = []
    for family, part in rows.groupby("family", sort=False):
        if family in reasons:
            chains = ", ".join(dict.fromkeys(part["chain"]))
            sentences.append(f"No claim is made about {chains}: {reasons[str(family)]}.")
    return sentences


def detectable(compared: pd.DataFrame) -> float:
    """The true difference that the comparisons would have found with a probability of 0.8: their median, NaN without any.

    Args:
        compared: rows of the table.
    """
    return float(compared["detectable"].median())

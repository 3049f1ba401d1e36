"""The answer of a table: what its verdicts say, in sentences, and how small a difference could have been seen."""

import pandas as pd

from indomain.metrics import printed
from report.comparison import ONE_PRETRAINING, ONE_TRAINING, PRIMARY
from report.given import ReportInput

# The difference belongs to the words: "in-domain (+0.050 [+0.020, +0.080]) is better than imagenet".
_WORDS = {
    "better": ("is better than {reference}", "are better than {reference}"),
    "worse": ("is worse than {reference}", "are worse than {reference}"),
    "equal": ("equals {reference} within {margin:g}", "equal {reference} within {margin:g}"),
    "cannot tell": ("cannot be told apart from {reference}", "cannot be told apart from {reference}"),
}


def sentences(given: ReportInput, table: pd.DataFrame) -> list[str]:
    """The answer in one sentence per target, from the verdicts of the primary family alone.

    Args:
        given: the input of the report.
        table: all rows.
    """
    metric, compared = printed(given.metric), table[table["family"] == PRIMARY]
    if compared.empty:
        return [f"No claim about the chains can be made: {_why(given, table)}."]
    answers = []
    for target, part in compared.groupby("target", sort=False):
        found = []
        for (verdict, chain), rows in part.groupby(["verdict", "compared_with"], sort=False):
            words = _WORDS[str(verdict)][len(rows) > 1].format(reference=chain, margin=given.options["margin"])
            found.append(f"{_listed(rows, part)} {words}")
        data = " (synthetic images: no evidence about patients)" if part["data"].eq("synthetic").any() else ""
        seen = detectable(part)
        power = f" A true difference of {seen:.2f} would have been found four times in five." if seen == seen else ""
        answers.append(f"{target}{data}, {metric}: {'; '.join(found)}.{power}")
    return answers


def _listed(rows: pd.DataFrame, part: pd.DataFrame) -> str:
    """The chains of some rows with their differences, and backbone and method where the target has several."""
    named = [name for name in ("backbone", "method") if part[name].nunique() > 1]
    names = []
    for row in rows.to_dict("records"):
        interval = f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        words = ", ".join([*(str(row[name]) for name in named), interval.replace("-", "−")])
        names.append(f"{row['chain']} ({words})")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _why(given: ReportInput, table: pd.DataFrame) -> str:
    """Why there is no comparison in the primary family."""
    families = set(table["family"].dropna())
    if ONE_TRAINING in families:
        return "there is one training of each; several seeds or folds would show how trainings vary"
    if ONE_PRETRAINING in families:
        return 'all seeds share one pretraining, and what another would give is unknown; [pretrain] seeds = "each" shows it'
    if given.metric not in given.options["test_metrics"]:
        return f"the first metric, {given.metric}, is not among [report] test_metrics"
    return "no chain could be compared with the reference"


def detectable(compared: pd.DataFrame) -> float:
    """The true difference that the comparisons would have found with a probability of 0.8: their median, NaN without any.

    Args:
        compared: rows of the table.
    """
    return float(compared["detectable"].median())

"""Scores of beginnings off the shelf, in folds by patient, their differences from the highest, and what may be said of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from indomain import metrics
from report import statistics
from report.comparison import verdict

METRIC = "auroc"
# As off the shelf in a recipe: there are more features than images.
C = 0.01


@dataclass(frozen=True)
class Screened:
    """A beginning's scores.

    Attributes:
        name: of the beginning.
        values: (folds,), the metric of each fold.
        can_win: whether it may be a finalist.
    """

    name: str
    values: np.ndarray
    can_win: bool = True


def evaluated(features: np.ndarray, table: pd.DataFrame, rows: np.ndarray, positive: int | None) -> np.ndarray:
    """The AUROC of each fold by a logistic regression on standardised features, (folds,).

    Args:
        features: (images, d), in the order of `rows`.
        table: a split's, all folds, with `fold`, `row`, `y` and `split`.
        rows: int (images,), ascending.
        positive: number of the positive class; None for several.
    """
    found = []
    with threadpool_limits(1):
        for _, part in table.groupby("fold"):
            part = part[part["split"] != "dropped"]
            X, y = features[np.searchsorted(rows, part["row"].to_numpy())], part["y"].to_numpy()
            is_test = (part["split"] == "test").to_numpy()
            model = make_pipeline(StandardScaler(), LogisticRegression(C=C, class_weight="balanced", max_iter=5000))
            model.fit(X[~is_test], y[~is_test])
            scores = model.predict_proba(X[is_test])
            found.append(float(metrics.evaluate([METRIC], y[is_test], scores, positive)[METRIC][0]))
    return np.array(found)


def compared(screened: list[Screened], test_share: float, patients: int, margin: float) -> pd.DataFrame:
    """One line per beginning, the highest mean first, with its interval, its difference from the highest and a verdict.

    The folds are paired; the variance of a mean over repeated folds is that of Nadeau & Bengio (2003), and p values are corrected
    for the comparisons with the highest (Holm 1979). What cannot win is a control, and no comparison among them.

    Args:
        screened: the beginnings.
        test_share: test images per image outside the test part.
        patients: number of test patients in a draw of folds.
        margin: differences up to this one do not matter.
    """
    ordered = sorted(screened, key=lambda one: -one.values.mean())
    best = next(one for one in ordered if one.can_win)
    lines = []
    for one in ordered:
        mean = float(one.values.mean())
        low, high = statistics.interval(mean, [statistics.folds_part(one.values, test_share)], (0.0, 1.0), patients)
        line = {"beginning": one.name, "mean": mean, "ci_low": low, "ci_high": high, "can_win": one.can_win}
        if one is not best:
            differences = one.values - best.values
            parts = [statistics.folds_part(differences, test_share)]
            difference, half = float(differences.mean()), statistics.half_width(parts)
            line |= {
                "difference": difference,
                "difference_low": difference - half,
                "difference_high": difference + half,
                "p": statistics.p_value(difference, parts),
                "detectable": statistics.detectable(parts),
            }
        lines.append(line)
    table = pd.DataFrame(lines).reindex(
        columns=[*lines[0], "difference", "difference_low", "difference_high", "p", "detectable"]
    )
    table = table.loc[:, ~table.columns.duplicated()]
    known = table["p"].notna() & table["can_win"]
    table.loc[known, "p"] = statistics.holm(table.loc[known, "p"].to_numpy(float))
    table["verdict"] = [_verdict(row, margin) for row in table.to_dict("records")]
    return table


def _verdict(row: dict, margin: float) -> str:
    low, high, difference, p = (float(row[name]) for name in ("difference_low", "difference_high", "difference", "p"))
    return verdict(METRIC, low, high, difference, p, margin)


def sentences(table: pd.DataFrame, whose: str) -> list[str]:
    """What the verdicts say.

    Args:
        table: as `compared` returns it.
        whose: "184 patients".
    """
    real = table[table["can_win"]]
    best, others = real.iloc[0], real.iloc[1:]
    said = [
        f"Off the shelf, the highest mean is that of {best['beginning']}, {best['mean']:.3f} [{best['ci_low']:.3f}, "
        f"{best['ci_high']:.3f}]."
    ]
    alike = others[others["verdict"].isin(["cannot tell", "equal"])]["beginning"].tolist()
    worse = others[others["verdict"] == "worse"]["beginning"].tolist()
    if alike:
        said.append(f"{_listed(alike)} cannot be told apart from it with {whose}.")
    if worse:
        said.append(f"{_listed(worse)} {'is' if len(worse) == 1 else 'are'} worse.")
    seen = float(others["detectable"].median()) if len(others) else float("nan")
    if seen > 0:  # not where there is no other, or all have the same scores in all folds
        said.append(
            f"A difference between two of them below {seen:.2f} is out of reach: it would be found less than four times in five, "
            "before the correction for several comparisons."
        )
    floor = table[~table["can_win"]]
    if len(floor) and not floor["verdict"].eq("worse").all():
        said.append(
            "Not even random weights can be told from the best: these images and labels cannot tell beginnings apart. More "
            "patients would; another network would not."
        )
    # Names of beginnings open some of them.
    return [sentence[0].upper() + sentence[1:] for sentence in said]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

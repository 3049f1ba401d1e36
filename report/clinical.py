"""What a decision would mean elsewhere: predictive values at a stated prevalence, at the highest score.

A test set has as many positives as its collectors wanted. Of a sensitivity Se, a specificity Sp and a prevalence π follow
    PPV = Se π / (Se π + (1 − Sp) (1 − π))        NPV = Sp (1 − π) / (Sp (1 − π) + (1 − Se) π),
under the assumption that Se and Sp are the same there, which another mixture of mild and severe cases breaks.
"""

from functools import partial

import numpy as np
import pandas as pd

from indomain import metrics
from report.arms import ArmResults, Run
from report.given import ReportInput
from report.sample import Training, samples_of

VALUES = ("sensitivity", "specificity", "ppv", "npv")
COLUMNS = [
    *("profile", "target", "budget", "chain", "backbone", "method", "level", "prevalence"),
    *(f"{name}{end}" for name in VALUES for end in ("", "_low", "_high")),
]


def clinical(arms: list[ArmResults], given: ReportInput) -> pd.DataFrame:
    """One line per arm of a target with a positive class, and stated prevalence; none where no prevalence is stated.

    Args:
        arms: all arms of the table.
        given: the input of the report.
    """
    lines = []
    for arm in arms:
        shown = arm.runs and arm.positive is not None and not arm.key.method.calibrated
        if not shown or arm.key.budget != given.largest_budget(arm.key.target):
            continue
        for prevalence in given.options["prevalence"]:
            trainings = [
                Training(run.fold, run.seed, run.groups, partial(_values, run, arm.positive, prevalence), run.y)
                for run in arm.runs
            ]
            is_random = (
                len({run.seed for run in arm.runs}) > 1 or len(given.seeds(arm.key.profile)) == 1 or bool(arm.diverged)
            )
            samples = samples_of(given, arm.key, trainings, [(0.0, 1.0)] * len(VALUES), is_random)
            words = arm.key.words()
            line = {name: words[name] for name in COLUMNS if name in words} | {"prevalence": prevalence}
            for name, sample in zip(VALUES, samples):
                low, high = sample.interval
                line |= {name: sample.mean, f"{name}_low": low, f"{name}_high": high}
            lines.append(line)
    return pd.DataFrame(lines, columns=COLUMNS)


def _values(run: Run, positive: int | None, prevalence: float, weights: np.ndarray) -> np.ndarray:
    """Sensitivity, specificity, PPV and NPV of a run, (4, samples)."""
    found = metrics.evaluate(["sensitivity", "specificity"], run.y, run.scores, positive, weights)
    return np.stack(of_rates(found["sensitivity"], found["specificity"], prevalence))


def of_rates(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> tuple[np.ndarray, ...]:
    """Sensitivity, specificity, and the predictive values that follow; NaN where nothing would be called positive, or negative.

    Args:
        sensitivity: 0 … 1.
        specificity: 0 … 1.
        prevalence: above 0 and below 1.
    """
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    right, wrong = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    with np.errstate(invalid="ignore", divide="ignore"):
        return sensitivity, specificity, true / (true + false), right / (right + wrong)

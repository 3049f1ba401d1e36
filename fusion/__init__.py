"""Stage 3, fusion: classical classifiers on the features of a network, or of several networks of a chain together.

    python -m fusion RECIPE

Reads fine-tuned networks. A `features` run writes `features.npz` once for each network (for one whose backbone was not
trained: once for all folds, label budgets and seeds); each classifier under each rule of fusion is one run more and writes
`predictions.csv` (test images) and, if asked to, the fitted classifier as `classifier.skops`. Everything that learns is
part of one scikit-learn estimator and is fitted on the training and validation images of its fold only. A `heads` run fuses
the scores of the networks' own heads. Feeds the rows of the table whose method begins with "fusion" (several networks) or
"features" (one).

Usable without recipes: `FeatureFusion` and the other names of `__all__` are scikit-learn estimators.

    options         the keys of [fusion]
    plan, run       the tasks, and what one does
    registry        the rules and the classifiers by name
    rules           networks' features to one classifier of them
    classifiers     the ten classifiers
    concatenation, correlation, selection, scores   the estimators behind the rules
    blocks          which columns belong to which network
    fitting         fitting, and choosing settings inside the training images
    heads           fusing the networks' own heads
    memo            fits that are made once per process
    small_samples   scikit-learn's classifiers for a few hundred images
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.concatenation import FeatureFusion
    from fusion.correlation import CanonicalFusion
    from fusion.scores import ScoreFusion
    from fusion.selection import MRMR, MutualInformation

__all__ = ["MRMR", "CanonicalFusion", "FeatureFusion", "MutualInformation", "ScoreFusion"]
_MODULES = {
    "FeatureFusion": "concatenation",
    "CanonicalFusion": "correlation",
    "ScoreFusion": "scores",
    "MRMR": "selection",
    "MutualInformation": "selection",
}


def __getattr__(name: str) -> Any:
    # scikit-learn takes more than a second to import, which planning a recipe need not wait for.
    if name in _MODULES:
        return getattr(importlib.import_module(f"fusion.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")

"""Stage 3, fusion: classical classifiers on the features of one or several networks of a chain.

    python -m fusion RECIPE

Reads fine-tuned networks. A `features` run writes `features.npz`, once per network (where the backbone was not trained,
once for all folds, label budgets and seeds). A `classify` run fits one classifier under one rule of fusion and writes
`predictions.csv` (test images) and, on request, the fitted classifier as `classifier.skops`. Everything that learns is part
of one scikit-learn estimator, which is fitted on the training and validation images of its fold only. A `heads` run fuses
the scores of the networks' own heads; a `distil` run trains one network on what several say; an `adapt` run fits a classifier
on other sets, for the target without its labels; an `external` run tests a classifier on another set. The rows of the table whose
method begins with "fusion" (several networks) or "features" (one network) come from these runs.

`FeatureFusion` and the other names in `__all__` are scikit-learn estimators that can be used without recipes.

    options         the keys of [fusion]
    plan, run       the stage's tasks, and how one is run
    registry        the rules and the classifiers by name
    rules           from a classifier and the widths of several networks' features to one estimator
    classifiers     the ten classifiers
    concatenation, correlation, selection, scores   the estimators behind the rules
    blocks          which columns belong to which network
    fitting         fitting, and choosing settings within the training images
    heads           fusing the networks' own heads
    distillation    one network that learns what several say
    groups          which networks are fused, and the tasks of their features
    external        the tasks that test classifiers on another set
    adapting        the tasks of domain adaptation
    adaptation      classifiers that learn from other sets
    memo            identical fits, computed once per process
    small_samples   scikit-learn's classifiers, adapted to a few hundred images
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.concatenation import FeatureFusion
    from fusion.correlation import CanonicalFusion
    from fusion.scores import ScoreFusion
    from fusion.selection import MRMR, Importance, MutualInformation

__all__ = ["MRMR", "CanonicalFusion", "FeatureFusion", "Importance", "MutualInformation", "ScoreFusion"]
_MODULES = {
    "FeatureFusion": "concatenation",
    "CanonicalFusion": "correlation",
    "ScoreFusion": "scores",
    "MRMR": "selection",
    "Importance": "selection",
    "MutualInformation": "selection",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: scikit-learn takes more than a second to import, which planning a recipe must not wait for.
    if name in _MODULES:
        return getattr(importlib.import_module(f"fusion.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")

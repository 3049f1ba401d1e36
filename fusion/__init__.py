"""Stage 3: features of several networks, their fusion, and classical classifiers on them.

Usable without recipes: `FeatureFusion` and the other names of `__all__` are scikit-learn estimators.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.concatenation import FeatureFusion
    from fusion.correlation import CanonicalFusion
    from fusion.scores import ScoreFusion
    from fusion.selection import MRMR, MutualInformation

__all__ = ["MRMR", "CanonicalFusion", "FeatureFusion", "MutualInformation", "ScoreFusion"]
_PLACES = {
    "FeatureFusion": "concatenation",
    "CanonicalFusion": "correlation",
    "ScoreFusion": "scores",
    "MRMR": "selection",
    "MutualInformation": "selection",
}


def __getattr__(name: str) -> Any:
    # scikit-learn takes more than a second to import, which planning a recipe need not wait for.
    if name in _PLACES:
        return getattr(importlib.import_module(f"fusion.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")

"""The measures by name. This file imports no scikit-learn, so that checking a recipe is fast."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from indomain.errors import look_up


@dataclass(frozen=True)
class Measure:
    """A measure of transferability.

    Attributes:
        function: "module:function", called with features (images, features), classes (images,) and, where `of_patients`,
            patients (images,); returns a number, greater for features that say more.
        of_patients: whether it keeps patients apart.
    """

    function: str
    of_patients: bool = False


MEASURES = {
    "knn": Measure("transferability.measures:knn", of_patients=True),
    "linear-probe": Measure("transferability.measures:linear_probe", of_patients=True),
    "h-score": Measure("transferability.measures:h_score"),
    "logme": Measure("transferability.measures:log_me"),
    "nleep": Measure("transferability.measures:nleep"),
}


def measure(name: str) -> Callable[..., Any]:
    """The function of a measure.

    Args:
        name: a key of `MEASURES`.
    """
    return look_up({key: one.function for key, one in MEASURES.items()}, name, "measure")

"""The measures by name. This file imports no scikit-learn, so that checking a recipe is fast."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from indomain.errors import look_up


@dataclass(frozen=True)
class Measure:
    """A measure of transferability.

    Attributes:
        function: "module:function"; returns a number. What it is called with depends on `reads`.
        reads: what it reads besides the target's classes `y`:
            "features", of the chain's network: function(features, y);
            "head", the probabilities of the classes that the chain has learnt last: function(probabilities, y);
            "extractor", features of one network that is the same for all chains: function(features, the extractor's);
            "source", the extractor's features of the images that the chain has learnt from last: function(target's, source's);
            "labelled source", and their classes: function(target's, y, source's, the source's classes).
        of_patients: whether the patients (images,) follow, to be kept apart.
        is_distance: whether less is better; a chain's score is then minus the distance.
    """

    function: str
    reads: Literal["features", "head", "extractor", "source", "labelled source"] = "features"
    of_patients: bool = False
    is_distance: bool = False


MEASURES = {
    "knn": Measure("transferability.measures:knn", of_patients=True),
    "linear-probe": Measure("transferability.measures:linear_probe", of_patients=True),
    "h-score": Measure("transferability.measures:h_score"),
    "logme": Measure("transferability.measures:log_me"),
    "nleep": Measure("transferability.measures:nleep"),
    "leep": Measure("transferability.measures:leep", reads="head"),
    "nce": Measure("transferability.measures:nce", reads="head"),
    "cka": Measure("transferability.distances:debiased_cka", reads="extractor"),
    "frechet": Measure("transferability.distances:frechet", reads="source", is_distance=True),
    "kid": Measure("indomain.networks.feature_sets:kid", reads="source", is_distance=True),
    "otdd": Measure("transferability.distances:otdd", reads="labelled source", is_distance=True),
}


def measure(name: str) -> Callable[..., Any]:
    """The function of a measure.

    Args:
        name: a key of `MEASURES`.
    """
    return look_up({key: one.function for key, one in MEASURES.items()}, name, "measure")

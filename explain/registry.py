"""The explanations and their measures by name. This file imports no Keras, so that checking a recipe is fast."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from indomain.errors import look_up


@dataclass(frozen=True)
class Explanation:
    """A method that maps what a decision rests on.

    Attributes:
        function: "module:function", called with a `Subject` and a seed; returns float32 (n, rows, columns).
        title: the title of its column in a panel.
        needs_gradients: whether it needs the gradients of a network, and so cannot explain a fused classifier.
        colours: "sequential" for maps of 0 … 1, "signed" for maps whose negative values are evidence against the class.
        options: the keys of [explain] that it uses.
        measured_options: further keys of [explain] that its measures use.
    """

    function: str
    title: str
    needs_gradients: bool = False
    colours: Literal["sequential", "signed"] = "sequential"
    options: tuple[str, ...] = ()
    measured_options: tuple[str, ...] = ()


EXPLANATIONS = {
    "grad-cam": Explanation("explain.grad_cam:explain", "Grad-CAM", needs_gradients=True),
    "grad-cam++": Explanation("explain.grad_cam:explain_plus_plus", "Grad-CAM++", needs_gradients=True),
    "lime": Explanation(
        "explain.lime_maps:explain",
        "LIME",
        colours="signed",
        options=("samples", "segments"),
        measured_options=("lime_seeds",),
    ),
}


@dataclass(frozen=True)
class Measure:
    """A measure of how far a map can be trusted.

    Attributes:
        function: "module:function", called with a `Subject`, the name of an explanation and its maps (n, rows, columns);
            returns values (n,), NaN for images whose map is blank, or None where the measure does not apply.
        controls: "module:function", called with a `Subject`; returns name -> the values (n,) of maps that ignore the image,
            or None; "" if the measure has no controls.
        of_findings: whether it applies only to images with a finding of the class explained.
    """

    function: str
    controls: str = ""
    of_findings: bool = False


MEASURES = {
    "pointing": Measure(
        "explain.measures:pointing_of", controls="explain.measures:pointing_by_chance", of_findings=True
    ),
    "overlap": Measure("explain.measures:overlap_of", of_findings=True),
    "energy": Measure("explain.measures:energy_of", of_findings=True),
    "deletion": Measure("explain.measures:deletion_of"),
    "insertion": Measure("explain.measures:insertion_of"),
    "randomisation": Measure("explain.measures:randomisation_of"),
    "stability": Measure("explain.measures:stability_of"),
}


def explanation(name: str) -> Callable[..., Any]:
    """The function of an explanation.

    Args:
        name: a key of `EXPLANATIONS`.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: entry.function for known, entry in EXPLANATIONS.items()}, name, "explanation")


def measure(name: str) -> Callable[..., Any]:
    """The function of a measure.

    Args:
        name: a key of `MEASURES`.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: entry.function for known, entry in MEASURES.items()}, name, "measure")


def controls(name: str) -> Callable[..., Any] | None:
    """The function of a measure's controls; None if it has none.

    Args:
        name: a key of `MEASURES`.
    """
    known = {known: entry.controls for known, entry in MEASURES.items() if entry.controls}
    return look_up(known, name, "measure") if name in known else None

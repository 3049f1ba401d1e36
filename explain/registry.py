"""The explanations and what measures them, by name. This file imports no Keras, so that recipes are checked at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from indomain.errors import look_up


@dataclass(frozen=True)
class Explanation:
    """A method that maps what a decision rests on.

    Attributes:
        function: "module:function", called with a `Subject` and a seed; returns float32 (N, rows, columns).
        title: above its column of a panel.
        needs_gradients: whether it needs a network: then it cannot explain a fused classifier.
        colours: "sequential" for maps of 0 … 1, "signed" for maps whose negative values speak against the class.
        options: the keys of [explain] that it uses.
        measured_options: further keys that its measures use.
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
    """A number that says how far a map can be trusted.

    Attributes:
        function: "module:function", called with a `Subject`, the name of an explanation and its maps (N, rows, columns);
            returns (N,) values, NaN where an image has none, or None where it does not apply.
        controls: "module:function", called with a `Subject`; returns name -> (N,) values that maps without any knowledge of
            the image would reach, or None; "": there are none.
    """

    function: str
    controls: str = ""


MEASURES = {
    "pointing": Measure("explain.measures:pointing_of", controls="explain.measures:pointing_by_chance"),
    "overlap": Measure("explain.measures:overlap_of"),
    "energy": Measure("explain.measures:energy_of"),
    "deletion": Measure("explain.measures:deletion_of"),
    "insertion": Measure("explain.measures:insertion_of"),
    "randomisation": Measure("explain.measures:randomisation_of"),
    "stability": Measure("explain.measures:stability_of"),
}


def explanation(name: str) -> Callable[..., Any]:
    """The function of an explanation."""
    return look_up({known: entry.function for known, entry in EXPLANATIONS.items()}, name, "explanation")


def measure(name: str) -> Callable[..., Any]:
    """The function of a measure."""
    return look_up({known: entry.function for known, entry in MEASURES.items()}, name, "measure")


def controls(name: str) -> Callable[..., Any] | None:
    """The function of a measure's controls, if it has any."""
    known = {known: entry.controls for known, entry in MEASURES.items() if entry.controls}
    return look_up(known, name, "measure") if name in known else None

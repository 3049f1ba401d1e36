"""The strategies by name. This file imports no Keras, so that checking a recipe is fast."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from indomain.errors import look_up


@dataclass(frozen=True)
class Strategy:
    """A way to fit a network to the target.

    Attributes:
        function: "module:function", called with a backbone, `Examples`, the number of classes and a `Trainer`; returns the
            network up to `logits` and facts for the run's record.
        options: the keys of [finetune] that it uses; None: all but those in `own` of another strategy. Only keys that a
            strategy uses may change its runs.
        head_only: whether the backbone is never changed, whatever the options.
        own: the keys of [finetune] that only this strategy uses.
    """

    function: str
    options: frozenset[str] | None = None
    head_only: bool = False
    own: frozenset[str] = frozenset()


STRATEGIES = {
    "full": Strategy("finetune.full:fit"),
    "off-the-shelf": Strategy(
        "finetune.off_the_shelf:fit",
        options=frozenset({"class_weights", "C"}),
        head_only=True,
        own=frozenset({"C"}),
    ),
}


def fit_function(name: str) -> Callable[..., Any]:
    """The function of a strategy.

    Args:
        name: a key of `STRATEGIES`.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: strategy.function for known, strategy in STRATEGIES.items()}, name, "strategy")

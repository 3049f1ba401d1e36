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
        learns_from_validation: whether nothing is chosen on validation images, so that what is tested may learn from them.
            Their own scores are then those of a network that was fitted without them.
        reads_source_head: whether its function is also called with the folder of the chain's last step, which has learnt
            classes and keeps their head. Chains without such a step are not fitted by it.
    """

    function: str
    options: frozenset[str] | None = None
    head_only: bool = False
    own: frozenset[str] = frozenset()
    learns_from_validation: bool = False
    reads_source_head: bool = False


SURGICAL, PARTIAL, TRUNCATED, SLIM, AUGMENTED = "surgical", "partial", "truncated", "slim", "augmented"
# Strategies of which a recipe compares several, each with the layers of a table: "surgical-top" has those of surgical.top.
OF_TABLES = (SURGICAL, PARTIAL, TRUNCATED, SLIM, AUGMENTED)
STRATEGIES = {
    "full": Strategy("finetune.full:fit"),
    "off-the-shelf": Strategy(
        "finetune.off_the_shelf:fit",
        options=frozenset({"class_weights", "C"}),
        head_only=True,
        own=frozenset({"C"}),
        learns_from_validation=True,
    ),
    "lp-ft": Strategy("finetune.lp_ft:fit", own=frozenset({"C"})),
    "co-tuning": Strategy("finetune.co_tuning:fit", own=frozenset({"co_weight"}), reads_source_head=True),
    "deeply-supervised": Strategy("finetune.deeply_supervised:fit", own=frozenset({"auxiliary"})),
    SURGICAL: Strategy("finetune.surgical:fit", own=frozenset({"surgical"})),
    PARTIAL: Strategy("finetune.partial:fit", own=frozenset({"partial"})),
    TRUNCATED: Strategy("finetune.truncated:fit", own=frozenset({"truncated"})),
    SLIM: Strategy("finetune.slim:fit", own=frozenset({"slim"})),
    # Full fine-tuning with an augmentation of its own in the place of `augment`.
    AUGMENTED: Strategy("finetune.full:fit", own=frozenset({"augmented"})),
}


def strategy_of(name: str) -> str:
    """The key of `STRATEGIES` of a strategy as a recipe names it: "surgical-top" is "surgical".

    Args:
        name: the strategy's name.
    """
    return next((known for known in OF_TABLES if name.startswith(f"{known}-")), name)


def fit_function(name: str) -> Callable[..., Any]:
    """The function of a strategy.

    Args:
        name: a key of `STRATEGIES`, or one of `OF_TABLES`, a hyphen and the name of a table.

    Raises:
        RequestError: an unknown name.
    """
    functions = {known: strategy.function for known, strategy in STRATEGIES.items()}
    return look_up(functions, strategy_of(name), "strategy")

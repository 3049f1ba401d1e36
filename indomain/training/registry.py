"""The augmentations by name. This file imports no Keras, so that recipes are checked at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from indomain.errors import RequestError, look_up, unknown


@dataclass(frozen=True)
class Augmentation:
    """An augmentation.

    Attributes:
        function: "module:function", called with a seed; returns Keras layers.
        needs_colour: whether it changes hues, which grey images do not have.
    """

    function: str
    needs_colour: bool = False


AUGMENTATIONS = {
    "none": Augmentation("indomain.training.augmentation:none"),
    "basic": Augmentation("indomain.training.augmentation:basic"),
    "elastic": Augmentation("indomain.training.augmentation:elastic"),
    "colour": Augmentation("indomain.training.augmentation:colour", needs_colour=True),
    "contrastive": Augmentation("indomain.training.augmentation:contrastive"),
}


def augmentation(name: str) -> Callable[[int], list[Any]]:
    """The function of an augmentation."""
    return look_up({known: entry.function for known, entry in AUGMENTATIONS.items()}, name, "augmentation")


def check(name: str, channels: int, where: str) -> None:
    """Refuses an augmentation that cannot work on the images.

    Args:
        name: a key of `AUGMENTATIONS`.
        channels: of the images, 1 or 3.
        where: the table of the recipe that names it.

    Raises:
        RequestError: the name is unknown, or it changes hues and the images are grey.
    """
    if name not in AUGMENTATIONS:
        raise unknown("augmentation", name, AUGMENTATIONS, where)
    if AUGMENTATIONS[name].needs_colour and channels == 1:
        raise RequestError(
            f'{where}: augment = "{name}" changes hues, but the images are grey. Use "basic" or "elastic", or set '
            'channels = "rgb" in the recipe if they have colours.'
        )

"""Source labels: which of the joined data sets, or which folder, did an image come from?

A free label that many pooled collections have (set, hospital, magnification). What it teaches may be the camera rather
than the disease: the comparison with the others will tell. The log's `accuracy` tells whether it learns.
"""

from typing import Any

from indomain.training.options import TrainingOptions
from pretrain import supervised
from pretrain.lesson import Lesson


def pretrain(lesson: Lesson[TrainingOptions]) -> dict[str, Any]:
    """Trains the lesson's backbone in place on the origins of the listing's images; returns facts for the run's record."""
    table, origins = lesson.listing.table(), lesson.listing.facts["origins"]
    table["y"] = [origins.index(origin) for origin in table["origin"]]
    return supervised.learn(lesson, table, len(origins))

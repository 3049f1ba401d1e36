"""Learning from a source's labels: a linear head on the backbone, cross-entropy; the head is thrown away afterwards."""

from typing import Any

import pandas as pd

from indomain.training import classifier
from indomain.training.options import TrainingOptions
from pretrain.lesson import Lesson


def pretrain(lesson: Lesson[TrainingOptions]) -> dict[str, Any]:
    """Trains the lesson's backbone in place on the listing's classes; returns facts for the run's record."""
    return learn(lesson, lesson.listing.table(), len(lesson.listing.facts["classes"]))


def learn(lesson: Lesson[TrainingOptions], table: pd.DataFrame, classes: int) -> dict[str, Any]:
    """Trains on the classes `y` of a split table.

    With validation images (the strict profile) the epoch of the least validation loss is kept, else the last.

    Returns:
        Facts for the run's record: images seen, the chosen epoch, images a second.
    """
    pictures = lesson.listing.pictures(lesson.backbone.input_shape[-1])
    given = (classes, lesson.options, lesson.seed, lesson.folder, lesson.note)
    return classifier.classify(lesson.backbone, table, pictures, *given, measure=lesson.measure)[1]

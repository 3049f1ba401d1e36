"""Source labels: which of several pooled data sets, or which folder, did an image come from?

Many pooled collections have such labels for free (data set, hospital, magnification). They may teach the camera rather than
the disease, which the comparison with the other objectives shows. The log's `accuracy` shows whether it learns.
"""

from typing import Any

from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from pretrain.step import PretrainingStep


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the origins of its images; returns facts for the run's record."""
    table, origins = step.split.table(), step.split.info.origins
    table["y"] = [origins.index(origin) for origin in table["origin"]]
    return fit_classifier(step.backbone, Examples(step.images(), table), len(origins), step.trainer)[1]

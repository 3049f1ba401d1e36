"""Distillation: one network learns what several say on average of the training images (Hinton et al. 2015, arXiv:1503.02531).

Christodoulidis et al. 2017 (IEEE JBHI 21:76) compress an ensemble over sources so. The members never say anything of test
images here, and of validation images the true classes choose the epoch.
"""

from typing import Any

import numpy as np

from fusion.options import DistilOptions
from indomain.artifacts import predictions
from indomain.data.split import Split
from indomain.errors import Diverged
from indomain.networks import architecture, inference, weights
from indomain.networks.options import Architecture
from indomain.runs.task import Work
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.trainer import Trainer


def distil(work: Work) -> dict[str, Any]:
    """Writes `model.keras` and `predictions.csv` (test images) of a `distil` run; returns facts for the run's record.

    Raises:
        Diverged: the loss or the scores are not finite.
    """
    params, paths = work.params, work.task.paths
    options = DistilOptions.model_validate(params["options"])
    split, classes = Split.open(paths), params["classes"]
    table = split.labelled(params)
    learnt = table.loc[table["split"] == "train", "row"].to_numpy()
    said = np.zeros((len(learnt), len(classes)))
    for number, folder in enumerate(work.inputs["networks"], start=1):
        work.progress(f"what network {number} of {len(work.inputs['networks'])} says")
        member = weights.load(folder / "model.keras")
        said += inference.predict(member, split.images(member.input_shape[-1]), learnt)
    targets = (said / len(work.inputs["networks"])).astype(np.float32)
    spec = Architecture.of(params["backbone"])
    backbone = architecture.backbone(spec)
    previous = work.inputs["pretrained"] / "model.keras" if "pretrained" in work.inputs else None
    weights.start(backbone, spec, paths["start"] or params["start"], params["seed"], previous)
    images = split.images(spec.channels)
    trainer = Trainer(options, params["seed"], work.folder, work.progress)
    network, facts = fit_classifier(backbone, Examples(images, table), len(classes), trainer, targets=targets)
    model = architecture.with_scores(network)
    tested = table[table["split"] == "test"].reset_index(drop=True)
    scores = inference.predict(model, images, tested["row"].to_numpy())
    if not np.isfinite(scores).all():
        raise Diverged("the network's scores are not finite")
    weights.save(model, work.folder / "model.keras")
    predictions.write(work.folder / "predictions.csv", tested, scores, classes)
    return facts

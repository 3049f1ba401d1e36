"""Translators in a run: between the two classes of a target, or from the look of some sources to that of a target.

The latter is the first stage of Yao et al. 2022, whose networks are larger and give one image several looks. Their second, 3-D
segmentation of the translated volumes, is out of this package's scope: it compares classifications, has neither volumes nor
masks as labels, and 3-D networks do not fit the machines that it is made for.
"""

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from indomain import files
from indomain.artifacts import synthetic
from indomain.data import domains
from indomain.data.images.sheets import sheet
from indomain.data.split import Split
from indomain.networks.feature_sets import kid
from indomain.runs.task import Work
from synthesis import judgement, learning
from synthesis.cycle import Cycle, cycle, initialise
from synthesis.options import CycleOptions

SHOWN = 8  # images of each kind on the contact sheet
JUDGED = 500  # images of each kind that are compared at most

Rows = tuple[learning.Images, np.ndarray]


def learnt(
    first: Rows, second: Rows, options: CycleOptions, work: Work, folder: Path
) -> tuple[Cycle, dict[str, float]]:
    """Translators that have learnt from two kinds of images, and facts of the training.

    Args:
        first: what returns the images of the first kind, and their rows.
        second: the same of the second.
        options: [synthesis.cyclegan].
        work: the run's, with the images' `shape` and the `seed`.
        folder: where the log and the state of an unfinished training are kept.
    """
    seed, shape = work.params["seed"], tuple(work.params["shape"])
    model = cycle(options, shape)  # type: ignore[arg-type]
    initialise(model, seed)
    most = max(len(rows) for _, rows in (first, second))
    # As many pairs as an epoch has images: each image of the larger kind once at least.
    count = learning.steps_of_epoch(most, options) * min(options.batch, most)
    rng = np.random.default_rng(seed)
    chosen = [np.resize(rng.permutation(rows), count) for _, rows in (first, second)]

    def pairs(numbers: np.ndarray) -> np.ndarray:
        parts = [images(rows[numbers]) for (images, _), rows in zip((first, second), chosen)]
        return np.concatenate(parts, axis=1)

    return model, learning.trained(model, pairs, np.arange(count), None, options, seed, folder, work.progress)


def run(work: Work) -> dict[str, Any]:
    """Translates all images of a target's sources, so that they look like the target's, of which no label is read.

    It learns from the sources' training images and from the target's outside the test part, and writes `synthetic.npz`, the
    images in the order of the sources' tables, and `sheet.png`.

    Args:
        work: the run's.

    Returns:
        Facts for the run's record: `kid_before` and `kid_after`, how far the images are from the target's, `kid_real`, the same
        between two halves of these, and `change`, by how many grey values they were changed.
    """
    params, split = work.params, Split.open(work.task.paths)
    channels, options = params["shape"][-1], CycleOptions.model_validate(params["options"])
    parts = [(source.images(channels), table) for source, table in domains.sources(work.task.paths, params)]
    images, table = domains.joined(parts)
    target, unseen = split.images(channels), domains.unlabelled(split, params["fold"])["row"].to_numpy()
    of_training = table.loc[table["split"] == "train", "row"].to_numpy()
    model, facts = learnt((images, of_training), (target, unseen), options, work, work.folder)
    originals = images(table["row"].to_numpy())
    made = model.translated(originals, True)
    synthetic.write(work.folder, made, table["y"].to_numpy())
    work.progress("judging")
    order = np.random.default_rng(params["seed"])
    some, others = (order.permutation(count)[:JUDGED] for count in (len(made), len(unseen)))
    before, after, real = (
        judgement.features_of(part) for part in (originals[some], made[some], target(unseen[others]))
    )
    _write_sheet(work.folder, originals[some], made[some], target(unseen[others]))
    return {
        **facts,
        "images": len(of_training),
        "images_without_label": len(unseen),
        "made": len(made),
        "kid_before": kid(before, real),
        "kid_after": kid(after, real),
        "kid_real": judgement.kid_of_halves(real),
        "change": float(np.abs(made.astype(int) - originals).mean()),
    }


def _write_sheet(folder: Path, originals: np.ndarray, made: np.ndarray, target: np.ndarray) -> None:
    """Writes `sheet.png`: a line of the sources' images, one of their translations, one of the target's images."""
    lines = [np.resize(pictures, (SHOWN, *pictures.shape[1:])) for pictures in (originals[:SHOWN], made[:SHOWN])]
    lines.append(np.concatenate([target] * ceil(SHOWN / len(target)))[:SHOWN])
    with files.written(folder / "sheet.png") as temporary:
        sheet(np.stack(lines), SHOWN).save(temporary, format="PNG")

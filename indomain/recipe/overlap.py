"""Exported models as beginnings: whether they have learnt from the images that a recipe tests on.

Digests and perceptual hashes of the images that a model has learnt from travel with it. Copies that were resized, compressed or
made brighter are found; those of which parts were cut off, or that were turned or mirrored, are not.
"""

import numpy as np

from indomain.artifacts import exported
from indomain.errors import RequestError
from indomain.recipe.chain import Chain
from indomain.recipe.study import Study


def learnt_from(study: Study, chain: Chain, target: str, profile: str) -> tuple[int, int]:
    """How many of a target's test images, in any fold, a chain's model has learnt from, and how many there are.

    Args:
        study: the recipe and its data.
        chain: one that begins with an exported model.
        target: the target's name in the recipe.
        profile: "strict" or "paper".
    """
    # pandas is slow to import, and few recipes begin with an exported model.
    from indomain.networks import seen

    assert chain.model
    key = (chain.start, target, profile)
    if key not in study.overlaps:
        split = study.target(target, profile)
        table = split.every_fold()
        rows = np.unique(table.loc[table["split"] == "test", "row"].to_numpy())
        found = seen.read(chain.model.folder / exported.SEEN).among(*seen.marks(split, rows))
        study.overlaps[key] = (int(found.sum()), len(rows))
    return study.overlaps[key]


def check(study: Study) -> None:
    """Refuses a chain that begins with an exported model which has learnt from a target's test images.

    Args:
        study: the recipe and its data.

    Raises:
        RequestError: it has, under the strict profile; what it has learnt cannot be taken out of it.
    """
    for target, options in study.recipe.targets.items():
        if "strict" not in study.recipe.profiles or options.leaks == "kept":
            continue
        for chain in study.recipe.chains_of(target):
            count, of = learnt_from(study, chain, target, "strict") if chain.model else (0, 0)
            if count:
                raise RequestError(
                    f"chains.{chain.name}: {chain.start} has learnt from {count} of the {of} test images of target {target!r}, "
                    "or from copies of them, and cannot unlearn them. Test it on other images (split, where), leave the chain "
                    f'out, or set targets.{target}.leaks = "kept", which says so in the table.'
                )


def words(study: Study, chain: Chain, target: str) -> str:
    """What the page says of it, under the profile with the most.

    Args:
        study: the recipe and its data.
        chain: one that begins with an exported model.
        target: the target's name in the recipe.
    """
    most, of = max(learnt_from(study, chain, target, profile) for profile in study.recipe.profiles)
    return f"yes: {most} of {of} test images, or copies of them" if most else "no test image, by hashes"

"""Phantoms as a data set: records that draw their image when it is loaded."""

from functools import partial
from pathlib import Path

from indomain.data.images import phantom
from indomain.data.manifest import Manifest, PhantomReader
from indomain.data.readers import Record


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the exposures of a phantom set.

    Args:
        manifest: a data set with a `PhantomReader`.
        data_dir: ignored; every reader has the same parameters.
        size: (rows, columns) of the images to draw.
    """
    options = manifest.read
    assert isinstance(options, PhantomReader)
    records = []
    scanner = phantom.Scanner(**options.scanner.model_dump())
    for exposure in phantom.exposures(options.patients, options.seed, scanner=scanner, abnormal=options.abnormal):
        records.append(
            Record(
                id=exposure.id,
                file=f"phantom(seed={options.seed}):{exposure.id}",
                load=partial(_part_of, exposure, size, 0),
                grey=partial(bool, True),
                label=exposure.label,
                patient=exposure.patient,
                study=exposure.study,
                body_part=exposure.part,
                view=exposure.view,
                split=exposure.split,
                mask=partial(_part_of, exposure, size, 1),
            )
        )
    return records


def _part_of(exposure: phantom.Exposure, size: tuple[int, int], which: int):
    """The image (0) or the mask (1) of an exposure."""
    return phantom.render(exposure, size)[which]

"""A contact sheet of similar pairs, the least similar first, so that an eye can judge the threshold of the gate."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from indomain import files
from indomain.data.dataset import Dataset
from indomain.data.duplicates import Pair
from indomain.data.images import landmarks, registration

MOST = 40  # pairs
_SIDE, _GAP, _TEXT, _COLUMNS = 128, 6, 30, 2  # pixels of an image, between them, and of a caption; pairs in a line


def write(dataset: Dataset, pairs: list[Pair], path: Path) -> None:
    """Writes a PNG: for each pair both images, and the second laid on the first.

    The overlay shows the first image in red and the second, registered, in cyan: what both show is grey.

    Args:
        dataset: the images.
        pairs: as `indomain.data.duplicates.similar_pairs` yields them, at least one; the 40 of the lowest log odds are
            shown.
        path: the file.
    """
    shown = sorted(pairs, key=lambda pair: pair.log_odds)[:MOST]
    width, height = 3 * (_SIDE + _GAP) + 2 * _GAP, _SIDE + _TEXT + _GAP
    lines = -(-len(shown) // _COLUMNS)
    sheet = Image.new("RGB", (min(len(shown), _COLUMNS) * width, lines * height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, pair in enumerate(shown):
        left, top = number % _COLUMNS * width + _GAP, number // _COLUMNS * height + _GAP
        for place, picture in enumerate(_pictures(dataset, pair)):
            square = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
            sheet.paste(square, (left + place * (_SIDE + _GAP), top))
        rows = dataset.index.iloc[[pair.first, pair.second]]
        names = " | ".join(file[-27:] for file in rows["file"])
        draw.text((left, top + _SIDE + 1), _caption(pair), fill="black")
        draw.text((left, top + _SIDE + 14), names.encode("ascii", "replace").decode(), fill="black")
    with files.written(path) as temporary:
        sheet.save(temporary, format="PNG")


def _caption(pair: Pair) -> str:
    return pair.kind if pair.kind == "exact duplicate" else f"{pair.kind}, log odds {pair.log_odds:.1f}"


def _pictures(dataset: Dataset, pair: Pair) -> list[np.ndarray]:
    """The first image, the second, and both on one another: uint8 RGB."""
    rows = dataset.index["row"].to_numpy()[[pair.first, pair.second]]
    thumbnails = np.stack([landmarks.thumbnail(image[..., 0]) for image in dataset.images(rows, 1)])
    first, second = landmarks.equalised(thumbnails)
    moved, inside = registration.warped(second[None], pair.map[None])
    # An inverted copy is shown as it was before.
    sign = np.where(registration.correlation(first[None], moved, inside) < 0, -1, 1)
    layers = np.stack([first, (moved * sign * inside)[0], (moved * sign * inside)[0]], axis=-1)
    overlay = np.clip(128 + 50 * layers, 0, 255).astype(np.uint8)
    return [*dataset.images(rows, 3), overlay]

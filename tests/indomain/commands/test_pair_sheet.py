"""The contact sheet of similar pairs."""

import numpy as np
from PIL import Image

from indomain.commands import pair_sheet
from indomain.data.dataset import open_dataset
from indomain.data.duplicates import Pair
from indomain.data.pool import Pool
from tests.indomain.data.made import class_folders

SAME = np.eye(2, 3, dtype=np.float32)


def test_the_least_similar_pairs_come_first_and_their_number_is_bounded(tmp_path, monkeypatch):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "one", "ab", 2)))
    pairs = [Pair("near duplicate", 0, 1, 0.95, SAME), Pair("near duplicate", 2, 3, 0.9, SAME)]
    sheets = []
    for shown in (pairs, pairs[1:]):
        monkeypatch.setattr(pair_sheet, "MOST", 1)
        pair_sheet.write(dataset, shown, tmp_path / "pairs.png")
        sheets.append(np.asarray(Image.open(tmp_path / "pairs.png")))
    assert np.array_equal(*sheets)


def test_the_overlay_of_equal_images_is_grey(tmp_path):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "one", "ab", 1)))
    first, second, overlay = pair_sheet._pictures(dataset, Pair("exact duplicate", 0, 0, 1.0, SAME))
    assert np.array_equal(first, second) and np.ptp(overlay.astype(int), axis=-1).max() <= 1 and overlay.std() > 10

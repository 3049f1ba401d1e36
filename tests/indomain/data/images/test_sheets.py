"""Contact sheets: where the wider gap is."""

import numpy as np

from indomain.data.images.sheets import GAP, sheet


def test_the_gap_comes_after_the_first_columns():
    canvas = np.asarray(sheet(np.zeros((1, 4, 5, 5, 1), np.uint8), first=2))
    dark = np.flatnonzero((canvas == 0).any(axis=0))
    assert dark[9] == GAP + 5 + GAP + 4 and dark[10] == dark[9] + 1 + 3 * GAP

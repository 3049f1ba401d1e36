"""The phantom as a data set."""

import numpy as np

from indomain.data.images import phantom
from indomain.data.readers import phantom as reader
from tests.indomain.data.made import manifest_of


def test_records_are_the_exposures_and_draw_them_when_asked(tmp_path):
    exposures = list(phantom.exposures(2, seed=3))
    records = reader.read(manifest_of({"reader": "phantom", "patients": 2, "seed": 3}), tmp_path / "none", (16, 24))
    assert [record.id for record in records] == [exposure.id for exposure in exposures]
    record, (pixels, mask) = records[5], phantom.render(exposures[5], (16, 24))
    assert np.array_equal(record.load(), pixels) and np.array_equal(record.mask(), mask) and record.grey()
    for name in ("label", "patient", "study", "view", "split"):
        assert getattr(record, name) == getattr(exposures[5], name)
    assert record.body_part == exposures[5].part


def test_a_record_names_the_seed_that_draws_it(tmp_path):
    records = reader.read(manifest_of({"reader": "phantom", "patients": 2, "seed": 3}), tmp_path, (8, 8))
    assert records[0].file == f"phantom(seed=3):{records[0].id}"

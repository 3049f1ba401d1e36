"""The most confident errors: sure and wrong first, by the mean of the trainings that test an image."""

import numpy as np

from report.arms import ArmResults, Run
from report.errors import _sheet, most_confident
from tests.report.made import report_input, row_key


def test_the_surest_errors_come_first_by_their_mean_score():
    given = report_input()
    arm = ArmResults(row_key(), given.info(row_key()))
    names, y = np.array(["a", "b", "c", "d"]), np.array([0, 0, 1, 1])
    for shift in (-0.05, 0.05):
        score = np.array([0.9, 0.6, 0.2, 0.8]) + shift
        arm.runs.append(Run(0, int(shift > 0), y, np.stack([1 - score, score], axis=1), names, names))
    assert most_confident(arm, 5) == [("a", "a, said: b 0.90"), ("c", "b, said: a 0.80"), ("b", "a, said: b 0.60")]
    assert len(most_confident(arm, 1)) == 1


def test_grey_and_coloured_pictures_lie_side_by_side_with_their_words():
    for channels in (1, 3):
        picture = _sheet(np.full((2, 16, 16, channels), 90, np.uint8), ["a, said: b 0.90", "b, said: a 0.70"])
        assert picture.mode == "RGB" and picture.width > 2 * 128 and picture.height > 128

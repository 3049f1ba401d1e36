"""How long players learn: at least so many steps an epoch, and every image of a large set."""

import pytest

from synthesis.learning import STEPS_OF_EPOCH, steps_of_epoch
from synthesis.options import CycleOptions, GANOptions


@pytest.mark.parametrize(
    ("count", "options", "steps"),
    [
        (40, GANOptions(steps=3000), STEPS_OF_EPOCH),
        (6400, GANOptions(steps=3000), 100),
        (20_000, GANOptions(steps=3000), 313),
        (500, CycleOptions(steps=3000), 500),
        (500, CycleOptions(steps=50), 50),
    ],
)
def test_an_epoch_has_every_image_once_at_least(count, options, steps):
    assert steps_of_epoch(count, options) == steps

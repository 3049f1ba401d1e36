import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import backbones
from indomain.networks.backbones import vgg_m


def test_its_maps_and_weights_are_those_of_the_paper():
    model = vgg_m.vgg_m((224, 224, 3))
    widths = [model.get_layer(name).output.shape[1] for name in ("conv1", "pool1", "conv2", "pool2", "conv5", "pool5")]
    assert widths == [109, 54, 26, 13, 13, 6] and model.output_shape == (None, 4096)
    convolutions = (
        7 * 7 * 3 * 96 + 96 + 5 * 5 * 96 * 256 + 256 + 3 * 3 * 256 * 512 + 512 + 2 * (3 * 3 * 512 * 512 + 512)
    )
    dense = 6 * 6 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
    assert model.count_params() == convolutions + dense


def test_each_channel_is_divided_by_its_neighbours():
    maps = np.random.default_rng(0).normal(0, 30, (2, 3, 4, 7)).astype(np.float32)
    expected = np.empty_like(maps)
    for channel in range(7):
        around = maps[..., max(channel - 2, 0) : channel + 3]
        expected[..., channel] = maps[..., channel] / (2 + 1e-4 * (around**2).sum(axis=-1)) ** 0.75
    np.testing.assert_allclose(np.asarray(vgg_m._normalised(maps)), expected, rtol=1e-5)


@pytest.mark.parametrize(("side", "fits"), [(51, True), (50, False)])
def test_images_that_are_too_small_are_refused(side, fits):
    if fits:
        assert backbones.build("vgg-m", (side, side, 1)).output_shape == (None, 4096)
    else:
        with pytest.raises(RequestError, match="'vgg-m' cannot be built for images of 50×50"):
            backbones.build("vgg-m", (side, side, 1))

"""The panel of explanations."""

import numpy as np
import pytest
from PIL import Image

from explain import panel

CLASSES = ["normal", "abnormal"]


def arrays(seed, channels=1, masks=True):
    """What a `maps` run writes, of two images."""
    rng = np.random.default_rng(seed)
    found = {
        "images": rng.integers(0, 256, (2, 16, 16, channels)).astype(np.uint8),
        "y": np.array([0, 1]),
        "explained": np.array([0, 1]),
        "scores": np.array([[0.3, 0.7], [0.2, 0.8]]),
        "grad-cam": rng.random((2, 16, 16)).astype(np.float32),
        "lime": rng.normal(size=(2, 16, 16)).astype(np.float32),
    }
    mask = np.zeros((2, 16, 16), np.uint8)
    mask[1, 4:9, 4:9] = 255
    return {**found, "masks": mask} if masks else found


def drawn(path, maps, methods=("grad-cam", "lime")):
    panel.draw(path, maps, list(methods), CLASSES, "a note")
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_panel_of_two_chains_is_drawn(tmp_path, channels):
    pixels = drawn(tmp_path / "panel.png", {chain: arrays(seed, channels) for seed, chain in enumerate("ab")})
    assert pixels.shape[1] > pixels.shape[0] > 300 and (pixels < 128).mean() > 0.02


def test_every_chain_and_method_has_a_column(tmp_path):
    one = drawn(tmp_path / "one.png", {"a": arrays(0)}, ["lime"])
    four = drawn(tmp_path / "four.png", {"a": arrays(0), "b": arrays(1)})
    assert four.shape[1] - one.shape[1] == 3 * one.shape[1] - 3 * round(150 * (0.4 + 1.3))


def test_the_outline_of_the_finding_is_cyan(tmp_path):
    def cyan(pixels):
        return ((pixels[..., 0] < 120) & (pixels[..., 1] > 180) & (pixels[..., 2] > 180)).sum()

    with_masks, without = (
        drawn(tmp_path / "p.png", {"a": arrays(0, masks=given)}, ["grad-cam"]) for given in (True, False)
    )
    assert cyan(with_masks) > cyan(without) + 50


def test_maps_that_speak_against_a_class_are_blue(tmp_path):
    given = arrays(0, masks=False)
    given["images"][:] = 0
    given["lime"][:] = -1.0
    pixels = drawn(tmp_path / "p.png", {"a": given}, ["lime"])
    assert ((pixels[..., 2] > 30) & (pixels[..., 0] < 20)).mean() > 0.1

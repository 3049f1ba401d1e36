import keras
import numpy as np
import pytest
from keras import ops

from pretrain.rotation import Rotation, turns

IMAGES = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")


def test_turns_are_quarter_turns():
    found = ops.convert_to_numpy(turns(ops.convert_to_tensor(IMAGES)))
    for number in range(4):
        np.testing.assert_array_equal(found[:, number], np.rot90(IMAGES, number, axes=(1, 2)))


def test_of_an_image_that_is_not_square_the_middle_is_turned_in_the_images_shape():
    wide = np.random.default_rng(0).random((1, 8, 12, 1)).astype("float32")
    found = ops.convert_to_numpy(turns(ops.convert_to_tensor(wide)))
    assert found.shape == (1, 4, 8, 12, 1)
    np.testing.assert_allclose(found[:, 2], found[:, 0, ::-1, ::-1], atol=1e-5)
    changed = wide.copy()
    changed[:, :, :2] = 9
    np.testing.assert_array_equal(ops.convert_to_numpy(turns(ops.convert_to_tensor(changed))), found)


class Seen(keras.layers.Layer):
    """Gives each image's pixels in the place of logits."""

    def call(self, images):
        return ops.reshape(images, (-1, 108))


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_each_copy_is_the_turn_that_its_label_says(copies):
    network = keras.Sequential([keras.layers.Input((6, 6, 3)), Seen()])
    found = Rotation(network, "none", copies)(IMAGES, training=False)
    labels = ops.convert_to_numpy(found["turns"]).reshape(2, copies)
    assert all(len(set(row)) == copies for row in labels)
    views = ops.convert_to_numpy(found["logits"]).reshape(2, copies, 6, 6, 3)
    for image in range(2):
        for copy in range(copies):
            np.testing.assert_array_equal(views[image, copy], np.rot90(IMAGES[image], labels[image, copy]))


def test_accuracy_is_the_share_of_turns_named():
    network = keras.Sequential([keras.layers.Input((6, 6, 3)), Seen()])
    model = Rotation(network, "none", 4)
    logits, labels = 9 * np.eye(4, dtype="float32"), np.array([0, 1, 2, 0])
    loss = model.compute_loss(y_pred={"logits": logits, "turns": labels})
    assert float(model.accuracy.result()) == 0.75
    assert float(loss) == pytest.approx((9 + 4 * np.log(1 + 3 * np.exp(-9))) / 4, rel=1e-3)

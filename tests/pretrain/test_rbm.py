import keras
import numpy as np
import pytest
from scipy.signal import correlate

from indomain.errors import RequestError
from indomain.networks import architecture, backbones
from pretrain import rbm
from pretrain.rbm import BoltzmannMachine, first_convolution
from tests.pretrain.source import SMALL, learn, step_of
from tests.small import same, values_of


def machine(kernel, bias, padding="valid", cost=0.0) -> BoltzmannMachine:
    """One for images of 6×6, with these weights."""
    inputs = keras.Input((6, 6, 1))
    layer = keras.layers.Conv2D(kernel.shape[-1], kernel.shape[:2], padding=padding, name="boltzmann")
    model = BoltzmannMachine(keras.Model(inputs, layer(keras.layers.Rescaling(1.0)(inputs))), "none", 0.1, cost)
    layer.set_weights([kernel, bias])
    return model


def weights_of(rng, filters=2):
    return rng.normal(0, 0.3, (3, 3, 1, filters)).astype("float32"), rng.normal(0, 0.3, filters).astype("float32")


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_hidden_units_give_back_what_the_kernel_says(padding):
    """The way back is the transpose of the way there: ⟨W ∗ v, h⟩ = ⟨v, Wᵀ h⟩ for all v and h."""
    rng = np.random.default_rng(0)
    kernel, _ = weights_of(rng)
    model = machine(kernel, np.zeros(2, "float32"), padding)
    visible = rng.normal(size=(1, 6, 6, 1)).astype("float32")
    there = np.asarray(model.convolution(visible))
    hidden = rng.normal(size=there.shape).astype("float32")
    back = np.asarray(model._back(hidden))
    assert back.shape == visible.shape
    np.testing.assert_allclose((there * hidden).sum(), (back * visible).sum(), rtol=1e-4)


def test_the_loss_is_the_difference_of_two_free_energies(monkeypatch):
    rng = np.random.default_rng(1)
    kernel, bias = weights_of(rng)
    model = machine(kernel, bias)
    visible = rng.normal(size=(2, 6, 6, 1)).astype("float32")
    dreamt = rng.normal(size=(2, 6, 6, 1)).astype("float32")
    monkeypatch.setattr(model, "_back", lambda hidden: keras.ops.convert_to_tensor(dreamt))

    def free(values):
        found = [
            np.logaddexp(0, correlate(image[..., 0], kernel[..., 0, k], mode="valid") + bias[k])
            for image in values
            for k in range(2)
        ]
        return -np.mean(found)

    np.testing.assert_allclose(float(model.compute_loss(y_pred=visible)), free(visible) - free(dreamt), rtol=1e-4)


def test_only_the_first_convolution_learns(tmp_path):
    before = {layer.name: values_of(layer) for layer in step_of("rbm", tmp_path / "before").backbone.layers}
    _, facts, _ = learn("rbm", tmp_path / "run")
    after = {layer.name: values_of(layer) for layer in architecture.backbone(SMALL).layers}
    assert facts["layer"] == "stem1_conv"
    assert [name for name in before if not same(before[name], after[name])] == ["stem1_conv"]


def test_it_goes_on_from_what_the_network_has_learnt(tmp_path):
    step = step_of("rbm", tmp_path, epochs=1, learning_rate=1e-9)
    kernel = np.random.default_rng(0).normal(size=first_convolution(step.backbone).kernel.shape).astype("float32")
    layer = first_convolution(step.backbone)
    layer.set_weights([kernel, layer.get_weights()[1]])
    rbm.pretrain(step)
    np.testing.assert_allclose(layer.get_weights()[0], kernel, atol=1e-4)


def test_a_convolution_that_skips_pixels_is_refused_with_the_way_out():
    with pytest.raises(RequestError, match="rbm: the first convolution of squeezenet skips pixels.*ild-cnn"):
        first_convolution(backbones.build("squeezenet", (64, 64, 3)))

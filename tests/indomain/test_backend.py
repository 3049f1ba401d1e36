import json

import keras
import numpy as np
import pytest

from indomain import backend
from indomain.backend import ComputeOptions
from indomain.errors import RequestError
from indomain.toml import validated

HERE = {"backend": keras.config.backend(), "precision": "float32"}


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """The settings may be changed: they are put back afterwards."""
    for name in ("_configured", "_sharers", "_scope"):
        monkeypatch.setattr(backend, name, getattr(backend, name))
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def test_the_backend_is_found_as_keras_finds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert backend.name() == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backend.name() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert backend.name() == "torch"
    (tmp_path / "keras.json").write_text("no JSON")
    assert backend.name() == "tensorflow"


def test_a_backend_that_is_not_loaded_is_named():
    with pytest.raises(RequestError, match="needs the Keras backend fortran, but this process uses .*KERAS_BACKEND"):
        backend.configure({"backend": "fortran", "precision": "float32"})


def test_a_precision_is_that_of_the_layers_built_after_it():
    backend.configure({**HERE, "precision": "bfloat16"})
    layer = keras.layers.Dense(2)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    backend.configure(HERE)
    assert keras.layers.Dense(2).compute_dtype == "float32"


def test_other_settings_have_another_word():
    words = []
    for precision in ("float32", "bfloat16", "float32"):
        backend.configure({**HERE, "precision": precision})
        words.append(backend.settings())
    assert words[0] == words[2] != words[1]


def test_on_one_device_nobody_shares_a_batch():
    backend.configure({**HERE, "devices": "all"})
    assert backend.sharers() == 1


def test_of_a_backend_that_is_not_supported_determinism_is_refused():
    with pytest.raises(RequestError, match="deterministic = true is not supported for the Keras backend 'torch'"):
        backend._be_deterministic("torch")
    with pytest.raises(RequestError, match='devices = "all" is not supported for the Keras backend .torch.'):
        backend._data_parallel("torch")


def test_a_gradient_is_that_of_the_sum_with_respect_to_the_input():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    value, gradient = backend.value_and_gradient(lambda t: keras.ops.sum(t**2, axis=1), x)
    np.testing.assert_allclose(value, [5, 50])
    np.testing.assert_allclose(gradient, 2 * x)


def test_what_determines_a_result_is_part_of_a_tasks_parameters():
    assert backend.identity(ComputeOptions()) == {"backend": backend.name(), "precision": "float32"}
    other = backend.identity(ComputeOptions(precision="bfloat16", deterministic=True, devices="all"))
    assert {key: other[key] for key in ("precision", "deterministic", "devices")} == {
        "precision": "bfloat16",
        "deterministic": True,
        "devices": "all",
    }


def test_sixteen_bits_are_off_by_default_and_float16_is_no_choice():
    # On a processor, float16 never ends.
    assert ComputeOptions().precision == "float32"
    with pytest.raises(RequestError, match="'precision' 'float16'. Did you mean 'bfloat16'. Known: bfloat16, float32"):
        validated(ComputeOptions, {"precision": "float16"}, "recipe.toml: [compute]")


def test_versions_are_those_of_what_is_loaded():
    found = backend.versions()
    assert found["numpy"] == np.__version__ and found["keras"] == keras.__version__
    assert found["backend"] == keras.config.backend() and found[found["backend"]]


class Numbers(keras.utils.PyDataset):
    """Batches of 4, 4 and 2 numbers."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        x = np.arange(10, dtype=np.float32)[number * 4 : (number + 1) * 4]
        return x[:, None], x.astype(int), np.ones(len(x), np.float32)


def test_fit_is_given_the_same_batches_in_the_same_order():
    batches = Numbers()
    given = backend.fed(batches)
    assert len(given) == 3
    for _ in range(2):
        for found, expected in zip(given, (batches[number] for number in range(3)), strict=True):
            for part, of in zip(found, expected, strict=True):
                np.testing.assert_array_equal(part, of)
                assert part.dtype == of.dtype


def test_no_thread_tunes_the_buffer_of_what_fit_is_given():
    # TensorFlow's may miss the end of an epoch, which then waits for it: 5 s instead of 3 for every other epoch.
    assert backend.fed(Numbers()).options().autotune.enabled is False


def test_another_backend_is_given_the_batches_themselves(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    batches = Numbers()
    assert backend.fed(batches) is batches

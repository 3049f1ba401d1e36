"""The only module that talks to a backend directly: input gradients, devices, precision and determinism."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from indomain.errors import RequestError
from indomain.toml import Table

if TYPE_CHECKING:
    import keras

_configured: dict[str, Any] = {}
_sharers = 1
_scope: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext


def name() -> str:
    """The name of Keras' backend, looked up as Keras does but without importing it."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("backend", "tensorflow"))
    except (OSError, ValueError):
        return "tensorflow"


def identity(options: "ComputeOptions") -> dict[str, Any]:
    """The `compute` parameters of a task: the settings that its numerical results depend on.

    Args:
        options: the recipe's [compute] table.

    Returns:
        What `configure` takes: `backend` and `precision`, and `deterministic` and `devices` where they are not the
        default.
    """
    parameters: dict[str, Any] = {"backend": name(), "precision": options.precision}
    if options.deterministic:
        parameters["deterministic"] = True
    if options.devices == "all":
        # Batch normalisation then sees only each device's share of a batch, which changes the result.
        parameters["devices"] = "all"
    return parameters


def configure(compute: dict[str, Any]) -> None:
    """Prepares this process for a task's `compute` parameters; does nothing if they are already in effect.

    Args:
        compute: as `identity` returns it: `backend`, `precision` ("float32", or "bfloat16" for 16-bit arithmetic on
            32-bit weights), and optionally `deterministic` and `devices` ("all": each batch is split among all GPUs of
            this machine).

    Raises:
        RequestError: another backend is loaded, or this one does not support a setting.
    """
    global _configured, _scope, _sharers
    if compute == _configured:
        return
    import keras

    if compute["backend"] != keras.config.backend():
        raise RequestError(
            f"the run needs the Keras backend {compute['backend']}, but this process uses {keras.config.backend()}; "
            "set KERAS_BACKEND to the same value wherever the recipe runs."
        )
    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[compute["precision"]])
    if compute.get("deterministic"):
        _be_deterministic(compute["backend"])
    if compute.get("devices") == "all":
        _scope, _sharers = _data_parallel(compute["backend"])
    else:
        _scope, _sharers = contextlib.nullcontext, 1
    _configured = dict(compute)


def settings() -> str:
    """The settings now in effect, as one string: a cache key, since a network built under other settings differs."""
    return json.dumps(_configured, sort_keys=True)


def sharers() -> int:
    """The number of devices that each batch is split among."""
    return _sharers


def scope() -> contextlib.AbstractContextManager:
    """The context in which networks must be built and compiled."""
    return _scope()


def _be_deterministic(backend: str) -> None:
    if backend == "tensorflow":
        import keras
        import tensorflow as tf

        # With op determinism on, TensorFlow refuses random operations until a global seed is set.
        keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
    elif backend == "jax":
        # XLA reads the flag when it starts, so it cannot be set here; on TPUs and CPUs XLA is deterministic anyway.
        flags = os.environ.get("XLA_FLAGS", "")
        if "xla_gpu_deterministic_ops" not in flags:
            raise RequestError("deterministic = true with JAX: set XLA_FLAGS=--xla_gpu_deterministic_ops=true first.")
    else:
        raise RequestError(f"deterministic = true is not supported for the Keras backend {backend!r}.")


def _data_parallel(backend: str) -> tuple[Callable[[], contextlib.AbstractContextManager], int]:
    """Sets up data-parallel training on every GPU, or on virtual CPU devices where there is no GPU.

    Returns:
        The scope to build networks in, and the number of devices.
    """
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) == 1:
            return contextlib.nullcontext, 1
        if "CPU" in devices[0].name and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
            # Seen with TensorFlow 2.21: oneDNN convolutions on several virtual CPUs overwrite one another's memory.
            raise RequestError("virtual CPU devices: set TF_ENABLE_ONEDNN_OPTS=0 first, or TensorFlow crashes on them.")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return strategy.scope, len(devices)
    if backend == "jax":
        import keras

        devices = keras.distribution.list_devices()
        if len(devices) > 1:
            keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        return contextlib.nullcontext, len(devices)
    raise RequestError(f'devices = "all" is not supported for the Keras backend {backend!r}.')


def fed(batches: "keras.utils.PyDataset") -> Any:
    """What Keras' `fit` is given in place of batches: the same batches in the same order.

    For TensorFlow, Keras itself turns a `PyDataset` into a `tf.data.Dataset` whose buffer is tuned automatically. The
    thread that tunes it sleeps for 10, 20, 40 ms and so on, and if it misses the end of the epoch, the iterator's end
    waits for it: seen with TensorFlow 2.21, epochs of 3 s took either 3 or 5.1 s. Here the buffer is fixed.

    Args:
        batches: batches that differ in their number of images only, not in shape or type.
    """
    if name() != "tensorflow":
        return batches
    import tensorflow as tf

    def read() -> Iterator[tuple]:
        return (batches[number] for number in range(len(batches)))

    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(read, output_signature=signature).prefetch(2)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)


def value_and_gradient(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value of a function at `x`, and the gradient of the sum of that value with respect to `x`.

    Args:
        function: takes and returns backend tensors, uses Keras operations only, and maps x to values of shape (n,).
        x: float32, of any shape whose first axis is n.

    Returns:
        The values, shape (n,), and the gradient, of x's shape, both as NumPy arrays. Where each value depends on its
        own row of x only, the gradient's rows are those of the single values.

    Raises:
        RuntimeError: gradients are not implemented for this backend.
    """
    backend = name()
    if backend == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = function(tensor)
        return np.asarray(value), np.asarray(tape.gradient(value, tensor))
    if backend == "jax":
        import jax

        def summed(tensor):
            value = function(tensor)
            return value.sum(), value

        (_, value), gradient = jax.value_and_grad(summed, has_aux=True)(jax.numpy.asarray(x))
        return np.asarray(value), np.asarray(gradient)
    if backend == "torch":
        import torch

        tensor = torch.tensor(x, requires_grad=True)
        value = function(tensor)
        return value.detach().numpy(), torch.autograd.grad(value.sum(), tensor)[0].numpy()
    raise RuntimeError(f"gradients are not supported for the Keras backend {backend!r}")


class ComputeOptions(Table):
    """[compute]: how networks are computed. Part of a run's identity, since results depend on it; see docs/scale.md."""

    # "bfloat16": 16-bit arithmetic on 32-bit weights.
    precision: Literal["float32", "bfloat16"] = "float32"
    # Use only operations whose results are the same bit for bit every time.
    deterministic: bool = False
    # "all": train each network on every GPU of the machine, data-parallel.
    devices: Literal["one", "all"] = "one"


def import_keras() -> None:
    """Imports Keras without the messages that TensorFlow's C++ code writes to standard error on every start."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Every network is traced once, on purpose; from the fifth on, TensorFlow would warn about retracing.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    stderr_copy, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
        os.close(null)


def versions() -> dict[str, str]:
    """The versions of the loaded packages that results depend on, and the name of Keras' backend."""
    names = ("keras", "tensorflow", "jax", "sklearn", "numpy")
    loaded = {
        name: str(sys.modules[name].__version__) for name in names if hasattr(sys.modules.get(name), "__version__")
    }
    if "keras" in loaded:
        loaded["backend"] = sys.modules["keras"].config.backend()
    return loaded

"""The one file that speaks to a backend directly: gradients with respect to the input, devices, precision, determinism."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from indomain.errors import RequestError
from indomain.toml import Table

_configured: dict[str, Any] = {}
_sharers = 1
_scope: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext


def name() -> str:
    """Keras' backend, found as Keras finds it, without importing it."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("backend", "tensorflow"))
    except (OSError, ValueError):
        return "tensorflow"


def identity(options: "ComputeOptions") -> dict[str, Any]:
    """What of the computing determines a result, for a task's parameters: see `configure`."""
    found: dict[str, Any] = {"backend": name(), "precision": options.precision}
    if options.deterministic:
        found["deterministic"] = True
    if options.devices == "all":
        # Each device normalises its own share of a batch.
        found["devices"] = "all"
    return found


def configure(compute: dict[str, Any]) -> None:
    """Prepares this process for a task's `compute` parameters; see `settings`.

    Args:
        compute: `backend`, `precision` ("float32", "bfloat16": 16-bit arithmetic on 32-bit weights), `deterministic`,
            `devices` ("all": each batch is shared out among all GPUs of this machine).

    Raises:
        RequestError: another backend is loaded, or this one cannot.
    """
    global _configured, _scope, _sharers
    if compute == _configured:
        return
    import keras

    if compute["backend"] != keras.config.backend():
        raise RequestError(
            f"the run is for the Keras backend {compute['backend']}, this process has {keras.config.backend()}; "
            "set KERAS_BACKEND alike wherever a recipe runs."
        )
    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[compute["precision"]])
    if compute.get("deterministic"):
        _be_deterministic(compute["backend"])
    alone = contextlib.nullcontext, 1
    _scope, _sharers = _shared_out(compute["backend"]) if compute.get("devices") == "all" else alone
    _configured = dict(compute)


def settings() -> str:
    """The settings that networks are built under now, as one word: networks built under others are other networks."""
    return json.dumps(_configured, sort_keys=True)


def sharers() -> int:
    """The number of devices that a batch is shared out among."""
    return _sharers


def scope() -> contextlib.AbstractContextManager:
    """The context to build and compile networks in."""
    return _scope()


def _be_deterministic(backend: str) -> None:
    if backend == "tensorflow":
        import keras
        import tensorflow as tf

        # It asks for a seed before any layer draws.
        keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
    elif backend == "jax":
        # Read when XLA starts; on TPUs and CPUs its operations are deterministic anyway.
        flags = os.environ.get("XLA_FLAGS", "")
        if "xla_gpu_deterministic_ops" not in flags:
            raise RequestError("deterministic = true with JAX: set XLA_FLAGS=--xla_gpu_deterministic_ops=true first.")
    else:
        raise RequestError(f"deterministic = true is not written for the Keras backend {backend!r}.")


def _shared_out(backend: str) -> tuple[Callable[[], contextlib.AbstractContextManager], int]:
    """Data-parallel training on every GPU (on virtual CPU devices where there is no GPU): the scope, and how many."""
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) == 1:
            return contextlib.nullcontext, 1
        if "CPU" in devices[0].name and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
            # Seen with TensorFlow 2.21: its oneDNN convolutions write into one another's memory and crash.
            raise RequestError("virtual CPU devices: set TF_ENABLE_ONEDNN_OPTS=0 first, or TensorFlow crashes on them.")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return strategy.scope, len(devices)
    if backend == "jax":
        import keras

        devices = keras.distribution.list_devices()
        if len(devices) > 1:
            keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        return contextlib.nullcontext, len(devices)
    raise RequestError(f'devices = "all" is not written for the Keras backend {backend!r}.')


def value_and_gradient(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`function(x)`, shape (N,), and the gradient of its sum with respect to x, of x's shape.

    Args:
        function: made of Keras operations; takes and returns backend tensors.
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
    raise RuntimeError(f"gradients are not written for the Keras backend {backend!r}")


class ComputeOptions(Table):
    """[compute]: how networks are computed. Part of a run's identity, for its numbers depend on it; see docs/scale.md."""

    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16: 16-bit arithmetic, 32-bit weights
    deterministic: bool = False  # only operations that give the same bits every time
    devices: Literal["one", "all"] = "one"  # all: one network learns on every GPU of the machine, data-parallel


def import_keras() -> None:
    """Imports Keras without the lines that TensorFlow's C++ writes to standard error on every start."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Every network is traced once, on purpose; TensorFlow warns of each after the fifth.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def versions() -> dict[str, str]:
    """Of what results depend on, among what is loaded."""
    names = ("keras", "tensorflow", "jax", "sklearn", "numpy")
    found = {
        name: str(sys.modules[name].__version__) for name in names if hasattr(sys.modules.get(name), "__version__")
    }
    if "keras" in found:
        found["backend"] = sys.modules["keras"].config.backend()
    return found

"""Reads tensors from PyTorch's first file format (`.pth` before version 1.6), without PyTorch and without running code.

The file is a row of pickles: a magic number, a version, facts about the machine, the tensors as views of storages, and the
storages' names; then the content of each storage follows, after its number of elements. The unpickler knows the few names
that tensors need, and refuses all others. Described in `torch/serialization.py`, `_legacy_save`.
"""

import io
import math
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_DTYPES: dict[str, np.dtype] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _View(NamedTuple):
    """A tensor before its storage has been read."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a state dictionary, by name.

    Args:
        content: the file.

    Raises:
        pickle.UnpicklingError: the file is in another format, is cut off, or holds more than tensors.
    """
    stream = io.BytesIO(content)
    if [_Reader(stream).load() for _ in range(2)] != [_MAGIC, _VERSION]:
        raise pickle.UnpicklingError("not a file in PyTorch's first format")
    if not _Reader(stream).load()["little_endian"]:
        raise pickle.UnpicklingError("the file was written by a big-endian machine")
    reader = _Reader(stream)
    views = reader.load()
    storages = {}
    for name in _Reader(stream).load():
        dtype, number = reader.storages[name]
        data = stream.read(8 + number * dtype.itemsize)
        if len(data) < 8 + number * dtype.itemsize or int.from_bytes(data[:8], "little") != number:
            raise pickle.UnpicklingError(f"storage {name} is cut off or has another length")
        storages[name] = np.frombuffer(data, dtype, offset=8)
    return {name: _tensor(storages[view.storage], view) for name, view in views.items()}


def _tensor(storage: np.ndarray, view: _View) -> np.ndarray:
    """The elements that a view's strides pick: most tensors are not stored in the order of their axes."""
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides))
    if math.prod(view.shape) and not 0 <= view.offset <= last < len(storage):
        raise pickle.UnpicklingError(f"a tensor reaches beyond its storage {view.storage}")
    strides = [stride * storage.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, strides, writeable=False).copy()


def _view(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *rest: Any) -> _View:
    return _View(storage, offset, shape, strides)


class _Reader(pickle.Unpickler):
    """Reads one pickle of the row; `storages` maps names to types and numbers of elements."""

    def __init__(self, stream: io.BytesIO):
        super().__init__(stream)
        self.storages: dict[str, tuple[np.dtype, int]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in a weights file")

    def persistent_load(self, pid: Any) -> str:
        # ("storage", its type, its name, the device it was on, its number of elements, None unless it is itself a view)
        _, kind, name, _, number, view = pid
        if view is not None:
            raise pickle.UnpicklingError(f"storage {name} is a view of another, which is not supported")
        self.storages[name] = (_DTYPES[kind], number)
        return name

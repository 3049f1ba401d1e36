import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from indomain.networks.backbones.torch_file import read_tensors


class Global:
    """Pickled as the name of something in a module."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    """A storage, written as PyTorch does: a reference in the pickle, the content after all pickles."""

    def __init__(self, name, values):
        self.name, self.values = name, values


class Writer(pickle._Pickler):  # the Python one, which can be told how to pickle a global
    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            kind = "FloatStorage" if thing.values.dtype == np.float32 else "LongStorage"
            return ("storage", Global("torch", kind), thing.name, "cpu", len(thing.values), None)
        return None

    def save_named(self, thing):
        self.write(f"c{thing.module}\n{thing.name}\n".encode())

    dispatch[Global] = save_named


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.args = (storage, offset, shape, strides, False, OrderedDict())


def save_tensor(self, tensor):
    self.save(Global("torch._utils", "_rebuild_tensor_v2"))
    self.save(tensor.args)
    self.write(pickle.REDUCE)


Writer.dispatch[Tensor] = save_tensor


def file_of(tensors, storages, magic=0x1950A86A20F9469CFC6C):
    stream = io.BytesIO()
    for thing in (magic, 1001, {"protocol_version": 1001, "little_endian": True}, tensors):
        Writer(stream, 2).dump(thing)
    Writer(stream, 2).dump([storage.name for storage in storages])
    for storage in storages:
        stream.write(len(storage.values).to_bytes(8, "little") + storage.values.tobytes())
    return stream.getvalue()


FLOATS = Storage("100", np.arange(24, dtype=np.float32))
WHOLE = OrderedDict(
    straight=Tensor(FLOATS, 0, (2, 3, 4), (12, 4, 1)),
    turned=Tensor(FLOATS, 0, (4, 3, 2), (1, 4, 12)),
    part=Tensor(FLOATS, 5, (2, 2), (4, 1)),
    count=Tensor(Storage("200", np.array([7], np.int64)), 0, (), ()),
)


def test_strides_and_offsets_are_honoured():
    tensors = read_tensors(file_of(WHOLE, [FLOATS, WHOLE["count"].args[0]]))
    values = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(tensors["straight"], values)
    assert np.array_equal(tensors["turned"], values.transpose(2, 1, 0))
    assert np.array_equal(tensors["part"], [[5, 6], [9, 10]])
    assert tensors["count"] == 7 and tensors["count"].shape == ()


def test_nothing_but_tensors_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "opened"), "w"))

    stream = io.BytesIO(file_of({}, []))
    for _ in range(3):
        pickle.load(stream)
    head = stream.getvalue()[: stream.tell()]
    with pytest.raises(pickle.UnpicklingError, match="open does not belong"):
        read_tensors(head + pickle.dumps(Trap()))
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("missing", [1, 50, 96])
def test_a_file_that_is_cut_off_is_refused(missing):
    whole = file_of({"straight": WHOLE["straight"]}, [FLOATS])
    with pytest.raises(pickle.UnpicklingError, match="storage 100 is cut off"):
        read_tensors(whole[:-missing])


def test_a_tensor_beyond_its_storage_is_refused():
    beyond = Tensor(FLOATS, 1, (2, 3, 4), (12, 4, 1))
    with pytest.raises(pickle.UnpicklingError, match="beyond its storage 100"):
        read_tensors(file_of({"beyond": beyond}, [FLOATS]))


def test_another_format_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="PyTorch's first format"):
        read_tensors(file_of(WHOLE, [FLOATS], magic=1))

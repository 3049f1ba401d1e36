"""One object per architecture: building and tracing a network costs seconds, filling it with weights milliseconds.

What a cached network holds is only valid until the next request for the same architecture.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import keras

from indomain import backend

_KEPT = 12  # architectures in memory at a time
_CACHE: OrderedDict[tuple, Any] = OrderedDict()


def cached(key: tuple, make: Callable[[], Any]) -> Any:
    """What `make()` returns, made once for `key` and the backend's settings; the least recently used is dropped."""
    # A network built under other settings (precision, devices) is another network.
    key = (backend.settings(), *key)
    if key not in _CACHE:
        with backend.scope():
            _CACHE[key] = make()
        while len(_CACHE) > _KEPT:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    return _CACHE[key]


def cached_for(owner: keras.Model, key: tuple, make: Callable[[], Any]) -> Any:
    """As `cached`, for what shares its weights with `owner`: it belongs to that very object, not to one like it."""
    # The entry holds its owner, so that the id in the key cannot come to mean another object.
    return cached((id(owner), *key), lambda: (owner, make()))[1]

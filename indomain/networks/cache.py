"""One object per architecture: building and tracing a network takes seconds, filling it with weights milliseconds.

The weights of a cached network are valid only until the next request for the same architecture.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import keras

from indomain import backend

_CAPACITY = 12  # networks kept in memory at a time
_CACHE: OrderedDict[tuple, Any] = OrderedDict()


def cached(key: tuple, make: Callable[[], Any]) -> Any:
    """The result of `make()`, computed once per `key` and backend settings; the least recently used entry is dropped.

    Args:
        key: identifies the result; hashable.
        make: builds it, inside the backend's scope.
    """
    # A network built under other settings (precision, devices) is another network.
    key = (backend.settings(), *key)
    if key not in _CACHE:
        with backend.scope():
            _CACHE[key] = make()
        while len(_CACHE) > _CAPACITY:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    return _CACHE[key]


def forget(model: keras.Model) -> None:
    """Drops a network that `cached` keeps, and all that was derived from it.

    Args:
        model: the network.
    """
    for key, value in list(_CACHE.items()):
        made = value[1] if isinstance(value, tuple) else value
        owned = isinstance(value, tuple) and value[0] is model
        if owned and key in _CACHE:
            forget(made)
        if owned or made is model:
            _CACHE.pop(key, None)


def cached_for(owner: keras.Model, key: tuple, make: Callable[[], Any]) -> Any:
    """As `cached`, for a network that shares its weights with `owner`.

    Args:
        owner: the very object that the result belongs to; an equal network has a separate entry.
        key: identifies the result among those of `owner`; hashable.
        make: builds it, inside the backend's scope.
    """
    # The entry keeps its owner alive, so that Python cannot reuse the id in the key for another object.
    return cached((id(owner), *key), lambda: (owner, make()))[1]

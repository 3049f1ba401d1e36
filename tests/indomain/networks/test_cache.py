import gc
import weakref
from collections import OrderedDict

import keras
import numpy as np
import pytest

from indomain import backend
from indomain.networks import architecture, cache, weights
from tests.small import SMALL


class Thing:
    """Something that costs much to make."""


@pytest.fixture
def empty(monkeypatch):
    """A cache that other tests have not filled, and whose networks they do not get."""
    monkeypatch.setattr(cache, "_CACHE", OrderedDict())


@pytest.fixture
def settings(monkeypatch):
    """The backend's settings may be changed: they are put back afterwards."""
    monkeypatch.setattr(backend, "_configured", dict(backend._configured))
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def test_what_is_asked_for_twice_is_made_once(empty):
    first = cache.cached(("thing", 1), Thing)
    assert cache.cached(("thing", 1), Thing) is first
    assert cache.cached(("thing", 2), Thing) is not first


def test_another_precision_is_another_network_and_nothing_has_to_be_forgotten(empty, settings):
    compute = {"backend": keras.config.backend(), "precision": "float32"}
    backend.configure(compute)
    plain = architecture.backbone(SMALL)
    backend.configure({**compute, "precision": "bfloat16"})
    coarse = architecture.backbone(SMALL)
    assert coarse is not plain
    assert coarse.get_layer("stem1_conv").compute_dtype == "bfloat16"
    backend.configure(compute)
    assert architecture.backbone(SMALL) is plain
    assert plain.get_layer("stem1_conv").compute_dtype == "float32"


def test_the_weights_of_a_network_of_another_precision_stay_as_they_were(empty, settings):
    compute = {"backend": keras.config.backend(), "precision": "float32"}
    backend.configure(compute)
    weights.initialise(architecture.backbone(SMALL), 1)
    before = np.array(architecture.backbone(SMALL).weights[0])
    backend.configure({**compute, "precision": "bfloat16"})
    weights.initialise(architecture.backbone(SMALL), 2)
    backend.configure(compute)
    assert np.array_equal(before, np.array(architecture.backbone(SMALL).weights[0]))


def test_the_least_recently_used_is_dropped(empty, monkeypatch):
    monkeypatch.setattr(cache, "_CAPACITY", 3)
    first, second, _ = (cache.cached((name,), Thing) for name in "abc")
    assert cache.cached(("a",), Thing) is first  # "b" has now waited longest
    cache.cached(("d",), Thing)
    assert cache.cached(("a",), Thing) is first
    assert cache.cached(("b",), Thing) is not second


def test_what_belongs_to_a_network_belongs_to_no_other_like_it(empty):
    one, other = Thing(), Thing()
    head = cache.cached_for(one, ("head",), Thing)
    assert cache.cached_for(one, ("head",), Thing) is head
    assert cache.cached_for(other, ("head",), Thing) is not head


def test_an_owner_lives_as_long_as_what_belongs_to_it(empty):
    # Else another object could come to have its id, and get its head.
    owner = Thing()
    cache.cached_for(owner, ("head",), Thing)
    alive = weakref.ref(owner)
    del owner
    gc.collect()
    assert alive() is not None
    cache._CACHE.clear()
    gc.collect()
    assert alive() is None

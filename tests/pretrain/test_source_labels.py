import numpy as np

from tests.pretrain.source import COUNT, learn, source
from tests.small import same


def test_it_learns_what_supervised_learning_learns_where_classes_are_origins(tmp_path):
    # The network tells "dark" from "light" either way.
    of_origins = learn("source-labels", tmp_path / "a", source(tmp_path / "no labels", np.zeros(COUNT, int)), epochs=3)
    of_classes = learn("supervised", tmp_path / "b", source(tmp_path / "labels"), epochs=3)
    assert same(of_origins[0], of_classes[0])
